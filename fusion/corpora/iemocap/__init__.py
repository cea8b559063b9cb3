"""IEMOCAP: ten actors in five sessions, scripted and improvised dialogues, in sound and picture.

Busso, Bulut, Lee, Kazemzadeh, Mower, Kim, Chang, Lee, Narayanan (2008), "IEMOCAP: interactive emotional dyadic motion
capture database", Language Resources and Evaluation 42, https://sail.usc.edu/iemocap
"""
