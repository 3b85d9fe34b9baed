using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>Converts names of the library to the command line's spelling.</summary>
internal static partial class Kebab
{
    /// <summary>Options of the library, and arguments of its methods, that are options of the command line.</summary>
    private static readonly HashSet<string> _options =
    [
        .. typeof(ReversibleLmTrainer.Options).GetProperties().Select(property => property.Name),
        .. typeof(GenerationOptions).GetProperties().Select(property => property.Name),
        .. typeof(RetrofitEstimator.Options).GetProperties().Select(property => property.Name).Except(["Teacher"]),
        .. typeof(ZeroShotEvaluator.Options).GetProperties().Select(property => property.Name),
        "windowCount", "krylovDimension",
    ];

    /// <summary>Values of options that are not English words, so that they can be recognised anywhere in a message.</summary>
    private static readonly HashSet<string> _values =
    [
        .. new[]
        {
            typeof(TextTokenization), typeof(DocumentBoundaries), typeof(LearningRateScheduleKind), typeof(OptimizerPlacement),
            typeof(ResumeMode), typeof(DamagedCheckpoint), typeof(Divergence), typeof(Activation), typeof(Precision), typeof(ModelFamily),
        }.SelectMany(Enum.GetNames).Where(name => name.Skip(1).Any(c => !char.IsAsciiLetterLower(c))),
    ];

    /// <summary>Converts a name: LearningRate to learning-rate, BFloat16 to bfloat16, Gpt2 to gpt2, GiB to gib.</summary>
    public static string Of(string name) => Boundary().Replace(name, "-").ToLowerInvariant();

    /// <summary>Returns the option that sets a property.</summary>
    public static string Option(string property) =>
        property == nameof(RetrofitEstimator.Options.ChooseScheme) ? "--scheme auto" : $"--{Of(property)}";

    /// <summary>Returns a message of the library with options and values as they are typed on the command line.</summary>
    public static string Translate(string message)
    {
        string named = Word().Replace(message, word => word.Groups[1].Value switch
        {
            var name when _options.Contains(name) => Option(name),
            var name when _values.Contains(name) => Of(name),
            _ => word.Value,
        });
        return ValueOfOption().Replace(named, value => Of(value.Value));
    }

    [GeneratedRegex("(?<=[a-z0-9])(?<!Gi)(?=[A-Z])")]
    private static partial Regex Boundary();

    // Excludes quoted text and parts of paths or longer names.
    [GeneratedRegex(@"(?<![\w'./\\-])([A-Za-z]\w+)(?![\w'/\\-]|\.\w)")]
    private static partial Regex Word();

    // A value that is an English word, such as Cosine, where the text before it names its option.
    [GeneratedRegex(@"(?<=--[a-z0-9-]+ (?:was|is|to) |--[a-z0-9-]+ was \S+ and is now )(?!NaN)[A-Z][A-Za-z]*\b")]
    private static partial Regex ValueOfOption();
}
