"""A simulated Google: OAuth, Drive v3 and the Directory of the Admin SDK."""
