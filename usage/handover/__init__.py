"""The hand-over: a site exports its ledger, signed; head office accepts it, and the site takes the acknowledgement."""
