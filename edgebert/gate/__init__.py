"""The accuracy gate of a conversion: what did it cost, and was that allowed?"""
