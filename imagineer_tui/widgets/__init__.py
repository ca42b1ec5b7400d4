"""One widget, one file, with its CSS and its keys. A widget is given its data; it asks nobody for them."""
