using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Benchmark;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Compares the gradients of a backward mode with those of the stored mode.</summary>
internal sealed class GradcheckVerb : Verb
{
    private readonly SettingTable<GradientComparison> _settings;
    private readonly Option<bool> _json;

    public GradcheckVerb(Terminal terminal) : this(terminal, Table(), JsonOption(
        "scheme, arithmetic, backward_mode, parameters, elements, differing_elements, max_relative_error and agree"))
    {
    }

    private GradcheckVerb(Terminal terminal, SettingTable<GradientComparison> settings, Option<bool> json)
        : base(
            terminal, "gradcheck",
            "Compares the gradients of a backward mode with those of the stored mode, for each parameter, on the same random model and "
            + "data. Fails (exit code 2) if they differ: by any bit in exact arithmetic on the CPU or with --deterministic, otherwise "
            + "by more than rounding.",
            "[options]", [.. settings.Groups, new OptionGroup("Output", [json])]) =>
        (_settings, _json) = (settings, json);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("The default scheme, in float arithmetic:", "gradcheck"),
        ("To the bit:", "gradcheck --scheme leapfrog --arithmetic exact --layer-count 24"),
        ("On a GPU, to the bit:", "gradcheck --device cuda --precision bfloat16 --arithmetic exact --deterministic --json"),
    ];

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        GradientComparison comparison = _settings.Read(parsed);
        if (!Devices.IsGpu(comparison.Device)) _settings.RefuseTyped(parsed, [TrainingOptions.DeterministicOnCpu]);
        bool json = parsed.GetValue(_json);
        if (StepMeasurement.Resolve(comparison.Device, Context(parsed)).type == TorchSharp.DeviceType.CPU) comparison.Device = "cpu";
        GradientComparison.Result result = comparison.Run(json ? null : Terminal.Out, cancellationToken);
        if (json)
        {
            new JsonLine().Add("scheme", result.Scheme).Add("arithmetic", result.Arithmetic).Add("backward_mode", result.BackwardMode)
                .Add("parameters", result.Parameters).Add("elements", result.Elements).Add("differing_elements", result.DifferingElements)
                .Add("max_relative_error", result.MaxRelativeError).Add("agree", result.Agree).WriteTo(Terminal.Out);
        }
        if (result.Agree) return ExitCode.Done;
        Terminal.Error.WriteLine($"{CommandLine.Name}: The gradients of the two backward modes differ.");
        return ExitCode.Failed;
    }

    private static SettingTable<GradientComparison> Table() => new SettingTable<GradientComparison>()
        .Group("Comparison")
        .Add(o => o.Scheme, "The recurrence over the layers, as in 'train'.", byDefault: "midpoint")
        .Add(o => o.Arithmetic, "The arithmetic of the hidden states.",
            byDefault: "exact for bdia and iterated-inverse, float for the others")
        .Add(o => o.BackwardMode, "The backward mode to compare with the stored mode.")
        .Add(o => o.LayerCount, "Number of blocks, at least 1.")
        .Add(o => o.HeadCount, "Number of attention heads, at least 1; must divide the width.")
        .Add(o => o.Width, "Width of the hidden states, at least 1.")
        .Add(o => o.ContextLength, "Tokens in a window, at least 1.")
        .Add(o => o.BatchSize, "Windows in the batch, at least 1.")
        .Add(o => o.Device, "The device to compute on.", "cpu|cuda|cuda:N")
        .Add(o => o.Precision, "The number type in which the blocks compute.")
        .Add(o => o.Deterministic, "Sums in one order on a GPU too, with slower kernels for attention.")
        .Add(o => o.Seed, "Seed of weights and data.");
}
