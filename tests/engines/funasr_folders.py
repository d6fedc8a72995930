"""Small FunASR model folders in the form that the hubs give out, made by the library's own classes."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

_FRONTEND = {
    "fs": 16000,
    "window": "hamming",
    "n_mels": 80,
    "frame_length": 25,
    "frame_shift": 10,
    "lfr_m": 7,
    "lfr_n": 6,
    "dither": 0.0,  # the same sound is the same sound
}
_ENCODER = {
    "output_size": 32,
    "attention_heads": 2,
    "linear_units": 64,
    "num_blocks": 2,
    "dropout_rate": 0.0,
    "positional_dropout_rate": 0.0,
    "attention_dropout_rate": 0.0,
    "normalize_before": True,
    "kernel_size": 11,
    "sanm_shfit": 0,  # the library's own spelling
    "selfattention_layer_type": "sanm",
    "pos_enc_class": "SinusoidalPositionEncoder",
}
_CHARACTERS = "我要反映一个问题路灯坏了三天停水电梯垃圾没人管谢再见你好在的是不"


def paraformer_streaming(folder: Path) -> Path:
    """As paraformer-zh-streaming, with random weights."""
    (folder / "tokens.txt").write_text("\n".join(["<blank>", "<s>", "</s>", *_CHARACTERS, "<unk>"]), "utf-8")
    return _save(
        folder,
        {
            "model": "ParaformerStreaming",
            "model_conf": {"ctc_weight": 0.0, "predictor_weight": 1.0, "predictor_bias": 1, "sampling_ratio": 0.75},
            "encoder": "SANMEncoderChunkOpt",
            "encoder_conf": {
                **_ENCODER,
                "input_layer": "pe_online",
                "chunk_size": [12, 15],
                "stride": [8, 10],
                "pad_left": [0, 0],
                "encoder_att_look_back_factor": [4, 4],
                "decoder_att_look_back_factor": [1, 1],
            },
            "decoder": "ParaformerSANMDecoder",
            "decoder_conf": {
                "attention_heads": 2,
                "linear_units": 64,
                "num_blocks": 2,
                "att_layer_num": 2,
                "dropout_rate": 0.0,
                "positional_dropout_rate": 0.0,
                "self_attention_dropout_rate": 0.0,
                "src_attention_dropout_rate": 0.0,
                "kernel_size": 11,
                "sanm_shfit": 5,
            },
            "predictor": "CifPredictorV2",
            "predictor_conf": {"idim": 32, "threshold": 1.0, "l_order": 1, "r_order": 1, "tail_threshold": 0.45},
            "frontend": "WavFrontendOnline",
            "frontend_conf": _FRONTEND,
            "tokenizer": "CharTokenizer",
            "tokenizer_conf": {
                "token_list": str(folder / "tokens.txt"),
                "unk_symbol": "<unk>",
                "split_with_space": True,
            },
        },
    )


def sense_voice(folder: Path, samples: NDArray[np.float32], text: str) -> Path:
    """As SenseVoiceSmall, taught to write ``text`` when it hears ``samples`` (16 kHz)."""
    import sentencepiece
    import torch
    from funasr import AutoModel

    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(["我要反映一个问题", "路灯坏了三天", "停水停电", "电梯坏了没人管"]), "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(folder / "bpe"),
        vocab_size=64,
        hard_vocab_limit=False,
        character_coverage=1.0,
        user_defined_symbols=["<|zh|>", "<|yue|>", "<|nospeech|>", "<|woitn|>"],
        minloglevel=2,
    )
    _save(
        folder,
        {
            "model": "SenseVoiceSmall",
            "model_conf": {"length_normalized_loss": True, "sos": 1, "eos": 2, "ignore_id": -1},
            "encoder": "SenseVoiceEncoderSmall",
            "encoder_conf": {**_ENCODER, "input_layer": "pe", "tp_blocks": 1},
            "frontend": "WavFrontend",
            "frontend_conf": _FRONTEND,
            "tokenizer": "SentencepiecesTokenizer",
            "tokenizer_conf": {"bpemodel": str(folder / "bpe.model"), "unk_symbol": "<unk>", "split_with_space": True},
        },
    )
    loaded = AutoModel(model=str(folder), device="cpu", disable_update=True, disable_pbar=True)
    _teach(loaded, samples, text)
    torch.save(loaded.model.state_dict(), folder / "model.pt")
    return folder


def nano(folder: Path) -> Path:
    """As Fun-ASR-Nano, a language model behind an audio encoder, with random weights."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config

    letters = sorted({*_CHARACTERS, *"语音转写成中文粤英，不进行文本规整：", *"abcdefghijklmnopqrstuvwxyzAHY<>|_/.\n "})
    words = {word: number for number, word in enumerate(["<unk>", "<|im_end|>", *letters])}
    characters = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    characters.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    llm = folder / "llm"
    PreTrainedTokenizerFast(tokenizer_object=characters, unk_token="<unk>", eos_token="<|im_end|>").save_pretrained(llm)
    Qwen3Config(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        eos_token_id=1,
        pad_token_id=1,
    ).save_pretrained(llm)
    return _save(
        folder,
        {
            "model": "FunASRNano",
            "audio_encoder": "SenseVoiceEncoderSmall",
            "audio_encoder_conf": {**_ENCODER, "input_layer": "pe", "tp_blocks": 1},
            "audio_adaptor": "Transformer",
            "audio_adaptor_conf": {
                "downsample_rate": 1,
                "ffn_dim": 64,
                "llm_dim": 32,
                "encoder_dim": 32,
                "n_layer": 1,
                "attention_heads": 2,
                "use_low_frame_rate": True,
            },
            "llm": "Qwen3",
            "llm_conf": {"init_param_path": str(llm), "llm_dtype": "fp32"},
            "input_size": 560,
            "frontend": "WavFrontend",
            "frontend_conf": _FRONTEND,
            "tokenizer": "HuggingfaceTokenizer",
            "tokenizer_conf": {"init_param_path": str(llm)},
            "dataset_conf": {"do_think": False},
        },
    )


def _teach(loaded: Any, samples: NDArray[np.float32], text: str) -> None:
    """Fit the whole model to one recording, heard as Mandarin without inverse normalisation."""
    import torch
    from funasr.utils.load_utils import extract_fbank

    model = loaded.model
    sound, _ = extract_fbank([torch.from_numpy(samples)], frontend=loaded.kwargs["frontend"])
    wanted = torch.tensor([loaded.kwargs["tokenizer"].encode(text)])
    queries = torch.tensor([[model.lid_dict["zh"], 1, 2, model.textnorm_dict["woitn"]]])
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(150):
        heard = torch.cat((model.embed(queries), sound), dim=1)
        encoded, lengths = model.encoder(heard, torch.tensor([heard.shape[1]]))
        likely = model.ctc.log_softmax(encoded).transpose(0, 1)
        loss = torch.nn.functional.ctc_loss(likely, wanted, lengths, torch.tensor([wanted.shape[1]]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _save(folder: Path, config: dict[str, Any]) -> Path:
    """Write config.yaml, and model.pt with the weights that the library's class begins with."""
    import torch
    from funasr import AutoModel

    (folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    torch.manual_seed(0)
    model, _ = AutoModel.build_model(**config, device="cpu", ncpu=1)
    torch.save(model.state_dict(), folder / "model.pt")
    return folder
