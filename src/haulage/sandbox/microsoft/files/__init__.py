"""Microsoft Graph's files: drives, sites, items and what is done with them."""
