"""Pages for people: the report as one file, and the same as a site. Rules live below; here it is drawn."""
