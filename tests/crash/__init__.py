"""A daemon that is killed at any moment, its disk filled and its folders locked: what it promised stays true."""
