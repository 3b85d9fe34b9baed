using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Trains a model on text files and writes it as a pretrained folder.</summary>
internal sealed class TrainVerb : Verb
{
    private readonly TextInput _data;
    private readonly Option<string> _out;
    private readonly SettingTable<ReversibleLmTrainer.Options> _settings;
    private readonly Option<bool> _json;

    public TrainVerb(Terminal terminal) : this(terminal, new TextInput(), OutputFolder.Option(), TrainSettings.Table(), JsonOption(
        "step, tokens, loss, learning_rate, grad_norm, tokens_per_s, host_memory_gib and on a GPU device_memory_gib for each report, with "
        + "validation_loss, bits_per_byte and perplexity after an evaluation; the last line repeats those of the last report and adds "
        + "model_step, the step whose weights were saved"))
    {
    }

    private TrainVerb(
        Terminal terminal, TextInput data, Option<string> output, SettingTable<ReversibleLmTrainer.Options> settings, Option<bool> json)
        : base(
            terminal, "train", "Trains a language model on text files and writes it as a folder in Hugging Face's layout.",
            "--data FILE... --out FOLDER [options]",
            [new OptionGroup("Input and output", [.. data.Options, output, json]), .. settings.Groups]) =>
        (_data, _out, _settings, _json) = (data, output, settings, json);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("A small model of a book, which takes a few minutes on a CPU:", "train --data book.txt --out model --max-steps 500"),
        ("A deeper model on a GPU, in bfloat16:",
            "train --data a.txt b.txt --out model --layer-count 24 --head-count 12 --width 768 --context-length 512 --device cuda "
            + "--precision bfloat16"),
        ("A long run, which the same command resumes after Ctrl+C, a crash or a power cut:",
            "train --data book.txt --out model --checkpoints run --max-steps 100000"),
        ("A Llama with an existing tokenizer, and a learning rate that falls only at the end:",
            "train --data book.txt --out model --family llama --tokenizer tokenizer.model --schedule warmup-stable-decay"),
        ("Fine-tuning of an existing model:", "train --data more.txt --out tuned --model model --learning-rate 1e-4"),
        ("The loss curve as JSON lines:", "train --data book.txt --out model --json > curve.jsonl"),
    ];

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        bool json = parsed.GetValue(_json);
        string folder = parsed.GetValue(_out)!;
        MLContext ml = Context(parsed);
        IDataView data = _data.Read(ml, parsed);
        ReversibleLmTrainer.Options options = TrainSettings.Read(_settings, parsed);
        ModelFolder.Check("--model", options.PretrainedFolder);
        OutputFolder.Check(folder);
        TrainingGroups.CheckPaths(options);

        var screen = new TrainingScreen(Terminal, json);
        (options.Progress, options.TokenizationProgress, options.CancellationToken) = (screen, screen, cancellationToken);
        ReversibleLmTrainer trainer = ml.Reversible().LanguageModel(options);
        using ReversibleLmTransformer model = screen.During(() => trainer.Fit(data), options.CheckpointFolder, parsed);
        model.SavePretrained(folder);
        screen.ShowResult(model, folder);
        return ExitCode.Done;
    }
}
