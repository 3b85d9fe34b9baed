using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Aligns a model with preferences and writes it, or its adapter, as a folder.</summary>
internal sealed class AlignVerb : Verb
{
    private readonly ChatInput _data;
    private readonly Option<string> _out;
    private readonly Option<bool> _merge;
    private readonly SettingTable<PreferenceEstimator.Options> _settings;
    private readonly Option<bool> _json;

    public AlignVerb(Terminal terminal)
        : this(
            terminal, ChatInput.Preferences(), OutputFolder.Option(), FineTuneVerb.MergeOption(), AlignSettings.Table(), JsonOption(
                "chat_format, pairs, validation_pairs, tokens, answer_tokens, truncated, dropped, trainable_parameters and parameters "
                + "before the first step; then step, pairs, loss, learning_rate, grad_norm, pairs_per_s, host_memory_gib and on a GPU "
                + "device_memory_gib for each report, with validation_loss, accuracy, margin, chosen_reward and rejected_reward after an "
                + "evaluation; the last line repeats those of the last report and adds model_step"))
    {
    }

    private AlignVerb(
        Terminal terminal, ChatInput data, Option<string> output, Option<bool> merge, SettingTable<PreferenceEstimator.Options> settings,
        Option<bool> json)
        : base(
            terminal, "align",
            "Aligns a model with preferences between pairs of answers by direct preference optimization. It writes a folder in Hugging "
            + "Face's layout, or with --lora-rank an adapter in PEFT's.",
            "--model FOLDER --data FILE... --out FOLDER [options]",
            [new OptionGroup("Input and output", [.. data.Options, output, merge, json]), .. settings.Groups]) =>
        (_data, _out, _merge, _settings, _json) = (data, output, merge, settings, json);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("An adapter, which needs the model only once in memory:", "align --model qwen --data pairs.jsonl --out adapter --lora-rank 8"),
        ("All weights, with the first model in memory beside them:", "align --model qwen --data pairs.jsonl --out aligned"),
        ("A model that stays closer to the first one, with pairs of its own to evaluate on:",
            "align --model qwen --data train.jsonl --validation valid.jsonl --out aligned --beta 0.5"),
    ];

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        bool json = parsed.GetValue(_json), merges = parsed.GetValue(_merge);
        string folder = parsed.GetValue(_out)!;
        MLContext ml = Context(parsed);
        PreferenceEstimator.Options options = AlignSettings.Read(_settings, parsed, _data.HasValidation(parsed));
        if (merges && options.LoraRank is null)
            throw new UsageException("--merge-adapter has no effect without --lora-rank. Leave it out, or set --lora-rank.");
        bool writesAdapter = options.LoraRank is not null && !merges;
        ModelFolder.Check("--model", options.ModelPath);
        OutputFolder.Check(folder, writesAdapter ? "adapter_config.json" : "config.json");
        if (OutputFolder.Is(folder, options.ModelPath!))
            throw new UsageException($"--out: '{folder}' is the folder of the model to start from, which would be overwritten.");
        TrainingGroups.CheckPaths(options);
        (IDataView data, IDataView? validation) = _data.Read(ml, parsed);

        var screen = new TrainingScreen(Terminal, json);
        (options.Progress, options.TokenizationProgress, options.CancellationToken) = (screen, screen, cancellationToken);
        options.PairProgress = screen;
        PreferenceEstimator estimator = ml.Reversible().AlignPreferences(options);
        using ReversibleLmTransformer model = screen.During(
            () => validation is null ? estimator.Fit(data) : estimator.Fit(data, validation), options.CheckpointFolder, parsed);
        if (writesAdapter) model.SaveAdapter(folder);
        else model.SavePretrained(folder);
        screen.ShowResult(model, folder);
        return ExitCode.Done;
    }
}
