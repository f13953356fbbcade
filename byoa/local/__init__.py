"""Does it here: the request dicts that AWS gets, carried out in docker or plain processes."""
