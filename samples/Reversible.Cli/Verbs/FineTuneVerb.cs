using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Fine-tunes a model on conversations and writes it, or its adapter, as a folder.</summary>
internal sealed class FineTuneVerb : Verb
{
    private readonly ChatInput _data;
    private readonly Option<string> _out;
    private readonly Option<bool> _merge;
    private readonly SettingTable<FineTuneEstimator.Options> _settings;
    private readonly Option<bool> _json;

    public FineTuneVerb(Terminal terminal)
        : this(
            terminal, ChatInput.Conversations(), OutputFolder.Option(), MergeOption(), FineTuneSettings.Table(), JsonOption(
                "chat_format, conversations, validation_conversations, tokens, learned_tokens, truncated, dropped, windows, added_tokens, "
                + "trainable_parameters and parameters before the first step; then as train's, step, tokens, loss, learning_rate, "
                + "grad_norm, tokens_per_s, host_memory_gib and on a GPU device_memory_gib for each report, with validation_loss, "
                + "bits_per_byte and perplexity after an evaluation; the last line repeats those of the last report and adds model_step"))
    {
    }

    private FineTuneVerb(
        Terminal terminal, ChatInput data, Option<string> output, Option<bool> merge, SettingTable<FineTuneEstimator.Options> settings,
        Option<bool> json)
        : base(
            terminal, "finetune",
            "Fine-tunes a model on conversations: the loss is that of the assistant's text. It writes a folder in Hugging Face's layout, "
            + "or with --lora-rank an adapter in PEFT's.",
            "--model FOLDER --data FILE... --out FOLDER [options]",
            [new OptionGroup("Input and output", [.. data.Options, output, merge, json]), .. settings.Groups]) =>
        (_data, _out, _merge, _settings, _json) = (data, output, merge, settings, json);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("All weights:", "finetune --model qwen --data chats.jsonl --out tuned"),
        ("An adapter of rank 8, with the frozen model in half the memory, on a GPU:",
            "finetune --model qwen --data chats.parquet --out adapter --lora-rank 8 --base-precision bfloat16 --precision bfloat16 "
            + "--device cuda"),
        ("An adapter of some matrices, merged into the model:",
            "finetune --model qwen --data chats.jsonl --out tuned --lora-rank 8 --lora-targets q_proj,v_proj --merge-adapter"),
        ("Reversible layers, which store the activations of one layer:",
            "finetune --model qwen --data chats.jsonl --out tuned --scheme blend:16"),
        ("A model without a chat format, with conversations of its own to evaluate on:",
            "finetune --model gpt2 --data train.jsonl --validation valid.jsonl --chat-format chatml --out tuned"),
        ("A long run, which the same command resumes:",
            "finetune --model qwen --data chats.jsonl --out tuned --checkpoints run --max-epochs 3"),
    ];

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        bool json = parsed.GetValue(_json), merges = parsed.GetValue(_merge);
        string folder = parsed.GetValue(_out)!;
        MLContext ml = Context(parsed);
        FineTuneEstimator.Options options = FineTuneSettings.Read(_settings, parsed, _data.HasValidation(parsed));
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
        options.ReportProgress = writesAdapter ? new AdapterCheck(screen) : screen;
        FineTuneEstimator estimator = ml.Reversible().FineTune(options);
        using ReversibleLmTransformer model = screen.During(
            () => validation is null ? estimator.Fit(data) : estimator.Fit(data, validation), options.CheckpointFolder, parsed);
        if (writesAdapter) model.SaveAdapter(folder);
        else model.SavePretrained(folder);
        screen.ShowResult(model, folder);
        return ExitCode.Done;
    }

    /// <summary>The option that writes the whole model with its adapter.</summary>
    public static Option<bool> MergeOption() => new("--merge-adapter")
    {
        Description = "Writes the model with the adapter merged into it instead of the adapter alone.",
        Arity = ArgumentArity.Zero,
    };
}
