"""AWS's API on loopback: moto in front of byoa.local."""
