import numpy as np
import pytest

from fusion.corpora.demo.sounds import CONSONANTS, PAUSE, STOPS, VOWELS, sounds_of
from fusion.corpora.demo.voice import CONTROL, RATE, Manner, Voice, speak
from fusion.corpora.demo.words import PLAIN, TELLING, sentence
from fusion.data.randomness import generator


def say(text="a", voice=None, **manner):
    random = generator("test", text)
    return speak(sounds_of(text), voice or Voice(), Manner(**manner), random, before=0.1, after=0.1)


def pitch(samples):
    middle = samples[len(samples) // 2 - 1024 : len(samples) // 2 + 1024]
    correlation = np.correlate(middle, middle, "full")[len(middle) :]
    return RATE / (np.argmax(correlation[RATE // 400 : RATE // 60]) + RATE // 400 + 1)


def test_spelling():
    assert sounds_of("mat") == [CONSONANTS["m"], VOWELS["a"], *STOPS["t"]]
    assert sounds_of("shoo i") == [CONSONANTS["sh"], VOWELS["oo"], PAUSE, VOWELS["i"]]


@pytest.mark.parametrize("hertz", [100.0, 160.0, 220.0])
def test_pitch_is_the_voice(hertz):
    said = say("aaaa", Voice(pitch=hertz), range=0.0, slope=0.0, rough=0.0)
    assert pitch(said.samples) == pytest.approx(hertz, rel=0.03)


def test_manner_is_heard():
    def level(said):
        return 10 * np.log10((said.samples**2).mean())

    assert level(say("aaa", energy=6.0)) - level(say("aaa")) == pytest.approx(6.0, abs=0.1)
    assert len(say("banana", tempo=0.8).samples) > 1.15 * len(say("banana").samples)

    def upper(said):
        power = np.abs(np.fft.rfft(said.samples)) ** 2
        return power[len(power) // 4 :].sum() / power.sum()

    assert upper(say("aaa", bright=4.0)) > 1.5 * upper(say("aaa"))


def test_vowels_have_their_formants():
    power = np.abs(np.fft.rfft(say("iiii", Voice(breath=0.5)).samples)) ** 2
    hertz = np.fft.rfftfreq(len(say("iiii", Voice(breath=0.5)).samples), 1 / RATE)

    def band(low, high):
        return power[(hertz >= low) & (hertz < high)].mean()

    assert band(1900, 2600) > 3 * band(900, 1500)


def test_the_mouth_opens_with_the_voice():
    said = say("banana banana mama")
    assert len(said.openness) * RATE == len(said.samples) * CONTROL
    loud = np.sqrt((said.samples.reshape(len(said.openness), -1) ** 2).mean(axis=1))
    assert np.corrcoef(np.convolve(loud, np.ones(9) / 9, "same"), said.openness)[0, 1] > 0.7
    assert said.openness[:10].max() == 0
    assert np.abs(said.samples).max() < 1


def test_telling_words_differ_from_plain_ones():
    assert not set(PLAIN) & {template for templates in TELLING.values() for template in templates}
    assert "{" not in sentence("sad", generator(1)) + sentence("neutral", generator(1))
