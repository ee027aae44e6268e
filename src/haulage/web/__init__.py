"""The web application: pages for people, and the API for programs, of one process."""
