using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>Names of the library in the command line's spelling.</summary>
internal static partial class Kebab
{
    /// <summary>Options of the library, and arguments of its methods, for which there are options here.</summary>
    private static readonly HashSet<string> _options =
    [
        .. typeof(ReversibleLmTrainer.Options).GetProperties().Select(property => property.Name),
        .. typeof(GenerationOptions).GetProperties().Select(property => property.Name),
        .. typeof(RetrofitEstimator.Options).GetProperties().Select(property => property.Name).Except(["Teacher"]),
        .. typeof(ZeroShotEvaluator.Options).GetProperties().Select(property => property.Name),
        "windowCount", "krylovDimension",
    ];

    /// <summary>Values of options that are no words of English, and so are values wherever they stand in a message.</summary>
    private static readonly HashSet<string> _values =
    [
        .. new[]
        {
            typeof(TextTokenization), typeof(DocumentBoundaries), typeof(LearningRateScheduleKind), typeof(OptimizerPlacement),
            typeof(ResumeMode), typeof(DamagedCheckpoint), typeof(Divergence), typeof(Activation), typeof(Precision), typeof(ModelFamily),
        }.SelectMany(Enum.GetNames).Where(name => name.Skip(1).Any(c => !char.IsAsciiLetterLower(c))),
    ];

    /// <summary>LearningRate becomes learning-rate, BFloat16 becomes bfloat16, Gpt2 becomes gpt2, GiB becomes gib.</summary>
    public static string Of(string name) => Boundary().Replace(name, "-").ToLowerInvariant();

    /// <summary>The option that sets a property.</summary>
    public static string Option(string property) =>
        property == nameof(RetrofitEstimator.Options.ChooseScheme) ? "--scheme auto" : $"--{Of(property)}";

    /// <summary>A message of the library with the names of options and values as they are typed here.</summary>
    public static string Translate(string message) =>
        Word().Replace(message, word => word.Groups[1].Value switch
        {
            var name when _options.Contains(name) => Option(name),
            var name when _values.Contains(name) => Of(name),
            _ => word.Value,
        });

    [GeneratedRegex("(?<=[a-z0-9])(?<!Gi)(?=[A-Z])")]
    private static partial Regex Boundary();

    // Not what is quoted or part of a path or of a longer name.
    [GeneratedRegex(@"(?<![\w'./\\-])([A-Za-z]\w+)(?![\w'/\\-]|\.\w)")]
    private static partial Regex Word();
}
