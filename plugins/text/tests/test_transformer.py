from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from fusion_text.modality import Text
from fusion_text.options import Text as TextOptions
from fusion_text.options import Transformer as Options
from fusion_text.transformer import Transformer

from fusion.contract import ComponentError, DataError, Span

SPANS = [Span(Fraction(0), Fraction(3))] * 2


@pytest.fixture
def modality(tiny_bert):
    return Text(TextOptions(tokeniser="transformer", path=str(tiny_bert)))


@pytest.fixture
def fitted(modality, spoken):
    return modality.fit([spoken("kids")])


@pytest.fixture
def options(tiny_bert):
    return Options(path=str(tiny_bert), embedding=6)


def test_the_saved_model_answers_whatever_the_padding(modality, options, fitted, spoken):
    network = Transformer(options, modality.input(spoken("kids"), fitted)).eval()
    rows = [spoken("kids are talking by the door."), spoken("dogs")]
    together = network(modality.batch(rows, SPANS, fitted))
    alone = network(modality.batch(rows[1:], SPANS[1:], fitted))
    assert together.embedding.shape == (2, network.spec.dim)
    assert together.sequence.shape[2] == network.spec.sequence == 16
    torch.testing.assert_close(together.embedding[1], alone.embedding[0], atol=1e-5, rtol=0)
    assert not together.sequence[1, alone.sequence.shape[1] :].any()
    assert not network.spec.exportable


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_poolings(modality, options, fitted, spoken, pooling):
    spec = modality.input(spoken("kids"), fitted)
    network = Transformer(replace(options, pooling=pooling, embedding=None), spec).eval()
    output = network(modality.batch([spoken("kids are")], SPANS[:1], fitted))
    expected = output.sequence[:, 0] if pooling == "cls" else output.sequence.mean(1)
    torch.testing.assert_close(output.embedding, expected)
    assert network.spec.dim == 16


def test_a_frozen_model_has_neither_gradient_nor_dropout(modality, options, fitted, spoken):
    spec = modality.input(spoken("kids"), fitted)
    rows = modality.batch([spoken("kids are")], SPANS[:1], fitted)
    frozen = Transformer(replace(options, freeze=True, dropout=0.0), spec).train()
    assert torch.equal(frozen(rows).embedding, frozen(rows).embedding)
    frozen(rows).embedding.sum().backward()
    learnt = {name for name, value in frozen.named_parameters() if value.grad is not None}
    assert learnt == {"output.weight", "output.bias"}
    free = Transformer(replace(options, pooling="cls"), spec).train()
    free(rows).embedding.sum().backward()
    assert free.model.embeddings.word_embeddings.weight.grad.any()


def test_symbols_of_another_tokeniser_are_refused(modality, options, fitted, spoken):
    words = Text(TextOptions())
    with pytest.raises(ComponentError, match="does not know the symbols of a fitted vocabulary; give the modality"):
        Transformer(options, words.input(spoken("kids"), words.fit([spoken("kids")])))
    with pytest.raises(ComponentError, match="the tokeniser has 99 symbols and the model knows 14"):
        Transformer(options, replace(modality.input(spoken("kids"), fitted), size=99))


def test_a_folder_without_weights_is_refused(modality, fitted, spoken, tmp_path):
    with pytest.raises(DataError, match="holds no usable model"):
        Transformer(Options(path=str(tmp_path)), modality.input(spoken("kids"), fitted))


def test_a_saved_model_needs_no_pretrained_folder(modality, options, fitted, spoken):
    spec = modality.input(spoken("kids"), fitted)
    network = Transformer(options, spec).eval()
    portable = json.loads(json.dumps(network.portable))
    again = Transformer(Options(**portable), spec).eval()
    again.load_state_dict(network.state_dict())
    batch = modality.batch([spoken("kids are"), spoken("dogs")], SPANS, fitted)
    assert portable["path"] is None
    assert torch.equal(again(batch).embedding, network(batch).embedding)
    with pytest.raises(ValueError, match="give path"):
        Options()
