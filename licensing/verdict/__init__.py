"""The answer to "may this container run", and what it was judged by."""
