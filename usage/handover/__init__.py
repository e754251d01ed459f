"""The hand-over: a site exports signed books, head office accepts them, and the site takes the acknowledgement."""
