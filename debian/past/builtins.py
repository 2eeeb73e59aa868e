basestring = (str, bytes)
