using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Converts a trained model to a reversible one and writes it as a pretrained folder.</summary>
internal sealed class RetrofitVerb : Verb
{
    private readonly TextInput _data;
    private readonly Option<string> _out;
    private readonly SettingTable<RetrofitEstimator.Options> _settings;
    private readonly Option<bool> _json;

    public RetrofitVerb(Terminal terminal)
        : this(terminal, new TextInput(), OutputFolder.Option(), RetrofitSettings.Table(), JsonOption(
            "step, tokens, loss, learning_rate, grad_norm, tokens_per_s, host_memory_gib and on a GPU device_memory_gib for each report, "
            + "and at the end step, scheme, before, after and the other fields of the retrofit report"))
    {
    }

    private RetrofitVerb(
        Terminal terminal, TextInput data, Option<string> output, SettingTable<RetrofitEstimator.Options> settings,
        Option<bool> json)
        : base(
            terminal, "retrofit",
            "Converts a trained model to a reversible one: its layers get a recurrence that can be run backwards, and if needed the model "
            + "is trained to reproduce its original outputs. It is written as a folder in Hugging Face's layout.",
            "--teacher FOLDER --data FILE... --out FOLDER [options]",
            [new OptionGroup("Input and output", [.. data.Options, output, json]), .. settings.Groups]) =>
        (_data, _out, _settings, _json) = (data, output, settings, json);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("A model with nearly the same outputs that can be fine-tuned in a fraction of the memory:",
            "retrofit --teacher gpt2 --data text.txt --out reversible-gpt2"),
        ("A recurrence that stores a single bit per activation, trained for two passes over the text:",
            "retrofit --teacher gpt2 --data text.txt --out reversible-gpt2 --scheme blend:2 --max-epochs 2"),
        ("The closest recurrence that stores nothing, on a GPU:",
            "retrofit --teacher gpt2 --data text.txt --out reversible-gpt2 --scheme auto --max-remainder-gib 0 --device cuda"),
        ("A given recurrence, with a loss on the hidden states as well:",
            "retrofit --teacher gpt2 --data text.txt --out reversible-gpt2 --scheme midpoint --hidden-state-weight 1 --max-steps 2000"),
        ("More distillation of an earlier retrofit:",
            "retrofit --teacher gpt2 --student reversible-gpt2 --data text.txt --out better --max-steps 2000"),
    ];

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        bool json = parsed.GetValue(_json);
        string folder = parsed.GetValue(_out)!;
        MLContext ml = Context(parsed);
        IDataView data = _data.Read(ml, parsed);
        RetrofitEstimator.Options options = RetrofitSettings.Read(_settings, parsed);
        ModelFolder.Check("--teacher", options.TeacherPath);
        ModelFolder.Check("--student", options.StudentPath);
        OutputFolder.Check(folder);
        TrainingGroups.CheckPaths(options);
        OutputPath.CheckFile("--teacher-cache-path", options.TeacherCachePath);

        var screen = new TrainingScreen(Terminal, json);
        (options.Progress, options.TokenizationProgress, options.CancellationToken) = (screen, screen, cancellationToken);
        options.ReportProgress = new Untrained(options, screen);
        RetrofitEstimator estimator = ml.Reversible().Retrofit(options);
        if (OutputFolder.Is(folder, options.TeacherPath!))
            throw new UsageException($"--out: '{folder}' is the teacher's folder, which would be overwritten.");
        using ReversibleLmTransformer model = screen.During(() => estimator.Fit(data), options.CheckpointFolder, parsed);
        model.SavePretrained(folder);
        if (model.Metrics is not null) screen.ShowRun(model, "distillation loss");
        screen.ShowRetrofit(model.Retrofit!, model.Metrics);
        screen.ShowSaved(folder);
        return ExitCode.Done;
    }

    /// <summary>Shows the report of the untrained student if a distillation follows; otherwise it is the result.</summary>
    private sealed class Untrained(RetrofitEstimator.Options options, TrainingScreen screen) : IProgress<RetrofitReport>
    {
        public void Report(RetrofitReport value)
        {
            if (options.Distills(value.Scheme)) screen.Report(value);
        }
    }
}
