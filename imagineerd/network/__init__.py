"""What lies between imagineer and a network: keys, who may come in with them, and the gate that asks for one."""
