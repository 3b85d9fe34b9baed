namespace Microsoft.ML.Reversible.Tests.Cli;

/// <summary>
/// Command lines in which the first option has no effect and is refused, even with its default value. MODEL, BASE, DATA, CHATS, PIQA and
/// RUN stand for folders and files.
/// </summary>
internal static class OptionCases
{
    private static readonly string[] _ofTheModel =
    [
        "--family gpt2", "--scheme midpoint", "--layer-count 6", "--head-count 6", "--key-value-head-count 2", "--width 192",
        "--mlp-width 8", "--activation gelu", "--tied-head true", "--tokenization bpe", "--vocabulary-size 2048",
    ];

    private static readonly string[] _ofDistillation =
    [
        "--divergence forward-kl", "--jensen-shannon-weight 0.5", "--temperature 1", "--cross-entropy-weight 0", "--hidden-state-weight 0",
        "--layer-map 1:1", "--teacher-top-k 0", "--teacher-cache-path x", "--backward-mode reversible", "--kept-layer-count 0",
        "--deterministic false", "--freeze-embedding false", "--frozen-layer-count 0", "--dropout 0", "--attention-dropout 0",
        "--gradient-accumulation-steps 1",
        "--max-steps 500", "--max-epochs 1", "--learning-rate 3e-4", "--schedule cosine", "--final-learning-rate 3e-5", "--warmup-steps 50",
        "--decay-steps 5", "--weight-decay 0", "--beta1 0.9", "--beta2 0.99", "--epsilon 1e-8", "--max-grad-norm 1",
        "--optimizer-placement after-backward", "--clip-with-previous-norm false", "--outlier-factor 0", "--max-skipped-steps 10",
        "--overfit-one-batch false", "--seed 1", "--evaluation-interval 250", "--evaluation-batches 20", "--early-stopping-patience 0",
        "--return-best false", "--report-interval 10", "--metrics-path x", "--tensor-board-folder x",
        "--checkpoint-folder x", "--checkpoint-interval 250",
        "--checkpoints-kept 2", "--resume if-present", "--damaged-checkpoint refuse",
    ];

    /// <summary>The verb and the rest of the line.</summary>
    public static IEnumerable<(string Verb, string Line)> Unused =>
    [
        .. Lines("train",
        [
            "--activation gelu --family llama", "--key-value-head-count 2 --family gpt2",
            "--kept-layer-count 0 --backward-mode stored", "--kept-layer-count 1 --backward-mode checkpointed",
            "--kept-layer-count 1 --scheme residual",
            "--deterministic false", "--deterministic --device cpu",
            "--vocabulary-size 2048 --tokenization byte", "--vocabulary-size 2048 --tokenization character",
            "--vocabulary-size 2048 --tokenizer MODEL", "--tokenization bpe --tokenizer MODEL",
            "--final-learning-rate 1e-4 --schedule constant", "--decay-steps 5", "--decay-steps 5 --schedule linear",
            "--clip-with-previous-norm false",
            "--clip-with-previous-norm true --optimizer-placement inside-backward --max-grad-norm 0",
            "--checkpoint-interval 250", "--checkpoints-kept 2", "--resume if-present", "--damaged-checkpoint refuse",
            "--damaged-checkpoint refuse --checkpoints RUN --resume never",
            .. With("--validation-fraction 0",
                "--evaluation-interval 250", "--evaluation-batches 20", "--early-stopping-patience 0",
                "--return-best true --checkpoints RUN"),
            .. With("--model MODEL", _ofTheModel),
        ]),
        .. Lines("retrofit",
        [
            "--max-remainder-gib 1", "--max-relative-cost 2", "--search-step-size true", "--search-step-size true --scheme auto",
            "--scheme midpoint:0.5 --search-step-size true", "--scheme leapfrog:1 --search-step-size",
            "--scheme blend:16 --student MODEL", "--scheme auto --student MODEL", "--jensen-shannon-weight 0.5",
            "--layer-map 1:1", "--teacher-cache-path x", "--divergence forward-kl --cross-entropy-weight 1",
            "--temperature 1 --cross-entropy-weight 1", "--decay-steps 5", "--kept-layer-count 0 --backward-mode stored", "--deterministic",
            "--checkpoint-interval 250",
            .. With("--distill false", _ofDistillation),
        ]),
        .. Lines("finetune",
        [
            "--lora-alpha 2", "--lora-rank-stabilized false", "--lora-targets all-linear", "--lora-dropout 0",
            "--train-embedding false", "--train-head false",
            "--base-precision float32", "--freeze-embedding false --lora-rank 2", "--frozen-layer-count 0 --lora-rank 2",
            "--attend-across-conversations false --packing false", "--validation-fraction 0.1 --validation CHATS", "--deterministic",
            "--checkpoint-interval 250",
        ]),
        .. Lines("generate",
        [
            "--top-k 0 --temperature 0", "--top-p 1 --temperature 0", "--seed 0 --temperature 0", "--temperature 1 --top-k 1",
            "--top-p 1 --top-k 1", "--seed 0 --top-k 1",
        ]),
        .. Lines("chat", ["--top-k 0 --temperature 0", "--top-p 1 --temperature 0", "--seed 0 --temperature 0", "--top-p 1 --top-k 1"]),
        .. Lines("bench",
        [
            "--key-value-head-count 2", "--deterministic", "--search-steps 1", "--max-batch 64", "--steps 3 --search --search-steps 3",
            "--kept-layer-count 1 --backward-mode stored", "--kept-layer-count 1 --scheme residual",
            "--base-precision float32",
        ]),
        .. Lines("gradcheck", ["--deterministic", "--deterministic false --device cpu"]),
        .. new[] { "train", "retrofit", "finetune", "generate", "chat", "bench", "gradcheck" }
            .Select(verb => (verb, "--fallback-to-cpu --device cpu")),
    ];

    /// <summary>
    /// Options whose effect shows when the verb runs: what the line has beside it, and how it is typed. Those that set properties of the
    /// library's options are told apart where the properties are.
    /// </summary>
    public static IEnumerable<(string Verb, string Shared, string Line)> Effects =>
    [
        .. OfModel("score", "--data DATA"), .. OfModel("stability", "--data DATA"), .. OfModel("evaluate", "--task piqa=PIQA"),
        .. OfModel("generate", "--prompt the"), .. OfModel("chat", "--format zephyr --max-tokens 5"),
        .. OfData("score"), .. OfData("stability"),
        ("score", "--model MODEL --data DATA", "--json"),
        ("stability", "--model MODEL --data DATA", "--json"),
        ("stability", "--model MODEL --data DATA", "--window-count 1"),
        ("stability", "--model MODEL --data DATA", "--krylov-dimension 4"),
        ("stability", "--model MODEL --data DATA", "--seed 5"),
        ("evaluate", "--model MODEL --json", "--task piqa=PIQA"),
        ("evaluate", "--model MODEL --task piqa=PIQA", "--num-fewshot 1"),
        ("evaluate", "--model MODEL --task piqa=PIQA", "--fewshot-data PIQA"),
        ("evaluate", "--model MODEL --task piqa=PIQA", "--limit 1"),
        ("evaluate", "--model MODEL --task piqa=PIQA", "--item-log RUN/items"),
        ("evaluate", "--model MODEL --task piqa=PIQA", "--json"),
        ("export", "--gguf RUN/m.gguf", "--model MODEL"),
        ("export", "--model MODEL --gguf RUN/m.gguf", "--tokenizer none"),
        ("export", "--model MODEL --gguf RUN/m.gguf", "--adapter ADAPTER"),
        ("export", "--model MODEL", "--gguf RUN/m.gguf"),
        ("export", "--model MODEL --gguf RUN/m.gguf", "--type f32"),
        ("generate", "--model MODEL", "--prompt the"),
        ("chat", "--model MODEL --max-tokens 5", "--format zephyr"),
        ("chat", Chat, "--system hello"), ("chat", Chat, "--overflow refuse"), ("chat", Chat, "--json"),
        ("gradcheck", Gradcheck, "--scheme leapfrog"), ("gradcheck", Gradcheck, "--arithmetic exact"),
        ("gradcheck", Gradcheck, "--backward-mode checkpointed"), ("gradcheck", Gradcheck, "--layer-count 2"),
        ("gradcheck", Gradcheck, "--head-count 1"), ("gradcheck", Gradcheck, "--width 12"),
        ("gradcheck", Gradcheck, "--context-length 5"), ("gradcheck", Gradcheck, "--batch-size 1"),
        ("gradcheck", Gradcheck, "--device cuda:99"), ("gradcheck", $"{Gradcheck} --device cuda:99", "--fallback-to-cpu"),
        ("bench", "--in-process --layer-count 1 --head-count 1 --width 8 --context-length 4 --vocabulary-size 9 --device cuda:99",
            "--fallback-to-cpu"),
        ("gradcheck", Gradcheck, "--precision bfloat16"),
        ("gradcheck", Gradcheck, "--seed 2"), ("gradcheck", Gradcheck, "--json"),
        .. OfTraining("train",
            "--layer-count 1 --head-count 1 --width 8 --context-length 8 --batch-size 2 --tokenization byte --max-steps 2 --seed 1"),
        .. OfTraining("retrofit",
            "--teacher MODEL --scheme iterated-inverse:a=1 --context-length 8 --batch-size 2 --max-steps 2 --learning-rate 1e-3 --seed 1"),
        ("finetune", $"{FineTune} --out RUN/model", "--data CHATS"), ("finetune", $"{FineTune} --data CHATS", "--out RUN/model"),
        // More steps, as the few windows of two steps may be the same without the held-out ones.
        ("finetune", $"{FineTune.Replace("-steps 2", "-steps 7")} --data CHATS --out RUN/model", "--validation CHATS"),
        ("finetune", $"{FineTune} --data CHATS --out RUN/model", "--json"),
        ("finetune", $"{FineTune} --data CHATS --out RUN/model --lora-rank 2", "--merge-adapter"),
        ("finetune", $"{FineTune} --data CHATS --out RUN/model --device cuda:99", "--fallback-to-cpu"),
        ("align", $"{FineTune} --out RUN/model", "--data PAIRS"), ("align", $"{FineTune} --data PAIRS", "--out RUN/model"),
        // More steps, as for 'finetune'.
        ("align", $"{FineTune.Replace("-steps 2", "-steps 30")} --data PAIRS --out RUN/model", "--validation PAIRS"),
        ("align", $"{FineTune} --data PAIRS --out RUN/model", "--json"),
        ("align", $"{FineTune} --data PAIRS --out RUN/model --lora-rank 2", "--merge-adapter"),
        ("align", $"{FineTune} --data PAIRS --out RUN/model --device cuda:99", "--fallback-to-cpu"),
    ];

    /// <summary>Options that may leave the bits of the output unchanged, and why.</summary>
    public static readonly IReadOnlyDictionary<string, string> SameBits = new Dictionary<string, string>
    {
        ["gradcheck --deterministic"] = "it is for a GPU",
        ["bench --in-process"] = "it says where the measurement is made, not of what",
        ["bench --json"] = "it says how the measurement is shown",
        ["bench --search"] = "it says which configurations are measured; the tests of the verb run one",
        ["bench --search-steps"] = "as for --search",
        ["bench --max-batch"] = "as for --search",
        ["generate --precision"] = "logits differ by rounding, which a drawn token seldom shows; 'score' shows it",
        ["chat --precision"] = "as for 'generate'",
        ["evaluate --batch-tokens"] = "it decides memory and speed; scores are the same within rounding",
    };

    private const string Gradcheck = "--layer-count 3 --head-count 2 --width 8 --context-length 4 --batch-size 2";

    private const string FineTune = "--model BASE --chat-format llama2 --context-length 80 --batch-size 2 --max-steps 2 --seed 1";

    private const string Chat = "--model MODEL --format zephyr --max-tokens 5";

    private static IEnumerable<(string, string)> Lines(string verb, IEnumerable<string> lines) => lines.Select(line => (verb, line));

    private static IEnumerable<string> With(string shared, params string[] lines) => lines.Select(line => $"{line} {shared}");

    private static IEnumerable<(string, string, string)> OfModel(string verb, string rest)
    {
        yield return (verb, rest, "--model MODEL");
        yield return (verb, $"{rest} --model MODEL", "--device cuda:99");
        yield return (verb, $"{rest} --model MODEL --device cuda:99", "--fallback-to-cpu");
        yield return (verb, $"{rest} --model MODEL", "--tokenizer none");
        // Items show log-likelihoods, where a table of few questions may have the same fractions.
        string shown = verb == "evaluate" ? " --item-log RUN/items" : "";
        yield return (verb, $"{rest} --model MODEL{shown}", "--adapter ADAPTER");
        if (verb is "generate" or "chat") yield break;
        yield return (verb, $"{rest} --model MODEL{shown}", "--precision bfloat16");
    }

    private static IEnumerable<(string, string, string)> OfTraining(string verb, string rest) =>
    [
        (verb, $"{rest} --out RUN/model", "--data DATA"), (verb, $"{rest} --data DATA", "--out RUN/model"),
        (verb, $"{rest} --data DATA --out RUN/model", "--json"), (verb, $"{rest} --data DATA --out RUN/model", "--data-format files"),
        (verb, $"{rest} --data DATA --out RUN/model --device cuda:99", "--fallback-to-cpu"),
    ];

    private static IEnumerable<(string, string, string)> OfData(string verb)
    {
        yield return (verb, "--model MODEL", "--data DATA");
        // Only the later windows of a file begin elsewhere than those of its lines.
        string shown = verb == "stability" ? " --window-count 4" : "";
        yield return (verb, $"--model MODEL --data DATA{shown}", "--data-format files");
    }
}
