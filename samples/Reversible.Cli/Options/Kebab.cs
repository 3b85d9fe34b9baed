using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>Names of the library in the command line's spelling.</summary>
internal static partial class Kebab
{
    private static readonly HashSet<string> _options =
        [.. typeof(ReversibleLmTrainer.Options).GetProperties().Concat(typeof(GenerationOptions).GetProperties()).Select(p => p.Name)];

    /// <summary>LearningRate becomes learning-rate, BFloat16 becomes bfloat16, Gpt2 becomes gpt2.</summary>
    public static string Of(string name) => Boundary().Replace(name, "-").ToLowerInvariant();

    /// <summary>The option that sets a property.</summary>
    public static string Option(string property) => $"--{Of(property)}";

    /// <summary>A message of the library with its options' names as they are typed here.</summary>
    public static string Translate(string message) =>
        Word().Replace(message, word => _options.Contains(word.Value) ? Option(word.Value) : word.Value);

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])")]
    private static partial Regex Boundary();

    // Not what is quoted or part of a path or of a longer name.
    [GeneratedRegex(@"(?<![\w'./\\-])[A-Z]\w+(?![\w'/\\-]|\.\w)")]
    private static partial Regex Word();
}
