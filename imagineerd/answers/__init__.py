"""What each request does, one small function each, in a file for its subject; `requests.py` calls them."""
