using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Reports which layers of a model amplify errors on real text, and how exactly hidden states are recomputed.</summary>
internal sealed class StabilityVerb : Verb
{
    private readonly ModelInput _model;
    private readonly TextInput _data;
    private readonly SettingTable<Settings> _settings;
    private readonly Option<bool> _json;

    public StabilityVerb(Terminal terminal) : this(terminal, new ModelInput(), new TextInput(), Table(), JsonOption(
        "layer, forward_growth, backward_growth, grows_linearly, largest_eigenvalue, leftmost_real, rightmost_real, largest_imaginary, "
        + "rebuild_max, rebuild_rms and hidden_state_rms for each layer, and scheme, stack_forward, stack_backward, verdict and suggestion "
        + "at the end"))
    {
    }

    private StabilityVerb(Terminal terminal, ModelInput model, TextInput data, SettingTable<Settings> settings, Option<bool> json)
        : base(
            terminal, "stability",
            "Analyses whether a model's recurrence stays bounded forward and backward on real text: eigenvalues of each layer, the growth "
            + "that follows from them, the largest factor by which all layers together multiply an error, and how exactly the hidden "
            + "states between the layers are recomputed.",
            "--model FOLDER --data FILE... [options]",
            [
                new OptionGroup("Model and data", [.. model.Options, .. data.Options]),
                .. settings.Groups,
                new OptionGroup("Output", [json]),
            ]) =>
        (_model, _data, _settings, _json) = (model, data, settings, json);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("A trained model on its training data:", "stability --model model --data book.txt"),
        ("More eigenvalues and more windows, which takes longer:",
            "stability --model model --data book.txt --window-count 8 --krylov-dimension 64"),
    ];

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        MLContext ml = Context(parsed);
        IDataView data = _data.Read(ml, parsed);
        Settings settings = _settings.Read(parsed);
        using ReversibleLmTransformer model = _model.Load(ml, parsed);
        StabilityReport report = ml.Reversible().AnalyzeStability(
            model, data, settings.WindowCount, settings.KrylovDimension, settings.Seed, cancellationToken);
        if (!parsed.GetValue(_json))
        {
            Terminal.Out.Write(report.ToString());
            return ExitCode.Done;
        }
        foreach (LayerStability layer in report.Layers) Line(layer).WriteTo(Terminal.Out);
        new JsonLine()
            .Add("scheme", report.Scheme.ToString())
            .Add("stack_forward", report.Stack.Forward)
            .Add("stack_backward", report.Stack.Backward)
            .Add("verdict", report.Verdict)
            .Add("suggestion", report.Suggestion)
            .WriteTo(Terminal.Out);
        return ExitCode.Done;
    }

    private static JsonLine Line(LayerStability layer) => new JsonLine()
        .Add("layer", layer.Layer)
        .Add("forward_growth", layer.ForwardGrowth)
        .Add("backward_growth", layer.BackwardGrowth)
        .Add("grows_linearly", layer.GrowsLinearly)
        .Add("largest_eigenvalue", layer.Largest.Value.Magnitude)
        .Add("leftmost_real", layer.Leftmost.Value.Real)
        .Add("rightmost_real", layer.Rightmost.Value.Real)
        .Add("largest_imaginary", Math.Abs(layer.MostImaginary.Value.Imaginary))
        .Add("rebuild_max", layer.RebuildError?.Max)
        .Add("rebuild_rms", layer.RebuildError?.Rms)
        .Add("hidden_state_rms", layer.RebuildError?.HiddenStateRms);

    private static SettingTable<Settings> Table() => new SettingTable<Settings>()
        .Group("Analysis")
        .Add(o => o.WindowCount, "Maximum number of windows, from the start of the data, at least 1.")
        .Add(o => o.KrylovDimension, "Maximum steps of the eigenvalue and singular value iterations, at least 1; more steps find more.")
        .Add(o => o.Seed, "Seed of the iterations, and of the signs that BDIA draws.");

    /// <summary>The arguments of <see cref="ReversibleCatalog.AnalyzeStability"/>, with the same defaults.</summary>
    private sealed class Settings
    {
        public int WindowCount { get; set; } = 2;

        public int KrylovDimension { get; set; } = 32;

        public int Seed { get; set; }
    }
}
