using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Sets the gradients of a way back beside those of the stored one.</summary>
internal sealed class GradcheckVerb : Verb
{
    private readonly SettingTable<GradientComparison> _settings;
    private readonly Option<bool> _json;

    public GradcheckVerb(Terminal terminal) : this(terminal, Table(), JsonOption(
        "scheme, arithmetic, way_back, parameters, elements, differing_elements and max_relative_error"))
    {
    }

    private GradcheckVerb(Terminal terminal, SettingTable<GradientComparison> settings, Option<bool> json)
        : base(
            terminal, "gradcheck",
            "Compares the gradients of a way back with those of the stored one, parameter by parameter, on the same random model and data. "
            + "Fails (exit code 2) where they are not the same: to the bit in exact arithmetic on the CPU or with --deterministic, "
            + "else within rounding.",
            "[options]", [.. settings.Groups, new OptionGroup("Output", [json])]) =>
        (_settings, _json) = (settings, json);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("The default scheme, in float:", "gradcheck"),
        ("To the bit:", "gradcheck --scheme leapfrog --arithmetic exact --layer-count 24"),
        ("On a GPU, to the bit:", "gradcheck --device cuda --precision bfloat16 --arithmetic exact --deterministic --json"),
    ];

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        GradientComparison comparison = _settings.Read(parsed);
        if (!Devices.IsGpu(comparison.Device)) _settings.RefuseTyped(parsed, [TrainingOptions.DeterministicOnCpu]);
        bool json = parsed.GetValue(_json);
        GradientComparison.Result result = comparison.Run(json ? null : Terminal.Out, cancellationToken);
        if (json)
        {
            new JsonLine().Add("scheme", result.Scheme).Add("arithmetic", result.Arithmetic).Add("way_back", result.WayBack)
                .Add("parameters", result.Parameters).Add("elements", result.Elements).Add("differing_elements", result.DifferingElements)
                .Add("max_relative_error", result.MaxRelativeError).WriteTo(Terminal.Out);
        }
        if (result.Agree) return ExitCode.Done;
        Terminal.Error.WriteLine($"{CommandLine.Name}: The gradients of the two ways back differ.");
        return ExitCode.Failed;
    }

    private static SettingTable<GradientComparison> Table() => new SettingTable<GradientComparison>()
        .Group("What to compare")
        .Add(o => o.Scheme, "The recurrence over the layers, as in 'train'.", byDefault: "midpoint")
        .Add(o => o.Arithmetic, "The numbers that the streams are made of.",
            byDefault: "exact for bdia and estimator, float for the others")
        .Add(o => o.WayBack, "The way back to compare with the stored one.")
        .Add(o => o.LayerCount, "Number of blocks, at least 1.")
        .Add(o => o.HeadCount, "Number of attention heads, at least 1; it divides the width.")
        .Add(o => o.Width, "Length of the streams' vectors, at least 1.")
        .Add(o => o.ContextLength, "Tokens that a window holds, at least 1.")
        .Add(o => o.BatchSize, "Windows in the batch, at least 1.")
        .Add(o => o.Device, "Where to compute.", "cpu|cuda|cuda:N")
        .Add(o => o.Precision, "The number type in which the blocks compute.")
        .Add(o => o.Deterministic, "Adds up in one order on a GPU too, by slower kernels for attention.")
        .Add(o => o.Seed, "Seeds weights and data.");
}
