"""Tokens from Entra.

identity     the identity that the app runs as, whose refused tokens are renewed
proofs       how the app registration proves who it is: secret, certificate, or that identity's word
credential   the app registration's tokens, made with such a proof
sign_in      the same for the command line, and a person's own sign-in
claims       what a token says, for the doctor
"""
