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
        .. typeof(PreferenceEstimator.Options).GetProperties().Select(property => property.Name).Except(["Model"]),
        .. typeof(ZeroShotEvaluator.Options).GetProperties().Select(property => property.Name),
        "windowCount", "krylovDimension", "overflow",
    ];

    /// <summary>Values of options; Llama is also the name of a model family in English.</summary>
    private static readonly HashSet<string> _values =
    [
        .. new[]
        {
            typeof(TextTokenization), typeof(DocumentBoundaries), typeof(LearningRateScheduleKind), typeof(OptimizerPlacement),
            typeof(ResumeMode), typeof(DamagedCheckpoint), typeof(Divergence), typeof(Activation), typeof(Precision), typeof(ModelFamily),
            typeof(BackwardMode), typeof(Arithmetic), typeof(ContextOverflow), typeof(ChatOverflow),
        }.SelectMany(Enum.GetNames).Where(name => name != nameof(ModelFamily.Llama)),
    ];

    /// <summary>What programs can do and the command line cannot, or does otherwise.</summary>
    private static readonly (string Library, string CommandLine)[] _phrases =
    [
        ("MLContext.FallbackToCpu", "--fallback-to-cpu"),
        ("set ChooseScheme to true", "set --scheme auto"),
        ("set ChooseScheme to false", "set --scheme to another one"),
        ("Tokenizer or TokenizerPath", "TokenizerPath"),
        (", or HeadWidth be given", ""),
        ("HeadWidth, or Width over HeadCount,", "--width over HeadCount"),
        (" A program adds its own with Scheme.Register.", ""),
        ("MaxOutputTokens", "MaxTokens"),
        ("StopSequences", "StopStrings"),
        ("Give the ChatFormat that the model was trained with, or make one with ChatFormat.Custom.",
            "Set --format to the format that the model was trained with."),
        ("or give a ChatFormat", "or set --format"),
        ("Give ChatFormat.ChatMl.WithDefaultSystem with that text.", "Set --format to chatml, and --system to that text."),
        ("; see WithDefaultSystem", ""),
        ("Give LoadPretrained a tokenizer or a tokenizerPath, or put", "Set --tokenizer, or put"),
        ("Give the tokenizer as an instance of Microsoft.ML.Tokenizers.TiktokenTokenizer.", "Name a tokenizer.json in its place."),
        ("load the model that it was made for, and give LoadAdapter this folder", "name its model with --model, and it with --adapter"),
        ("; for others, give the tokenizer as an instance of Microsoft.ML.Tokenizers.Tokenizer", ""),
    ];

    /// <summary>Converts a name: LearningRate to learning-rate, BFloat16 to bfloat16, Gpt2 to gpt2, GiB to gib.</summary>
    public static string Of(string name) => Boundary().Replace(name, "-").ToLowerInvariant();

    /// <summary>Returns the option that sets a property.</summary>
    public static string Option(string property) =>
        property == nameof(RetrofitEstimator.Options.ChooseScheme) ? "--scheme auto" : $"--{Of(property)}";

    /// <summary>Returns a message of the library with options and values as they are typed on the command line.</summary>
    public static string Translate(string message)
    {
        message = WithoutApi(message);
        string named = Word().Replace(message, word => word.Groups[1].Value switch
        {
            var name when _options.Contains(name) && !IsEnglish(message, word) => Option(name),
            var name when _values.Contains(name) && !BeginsSentence(message, word.Index) => Of(name),
            _ => word.Value,
        });
        return ValueOfOption().Replace(OrNull().Replace(named, ""), value => value.Value.Trim() is "=" ? " " : Of(value.Value));
    }

    /// <summary>Returns a message of the library without what only programs can do.</summary>
    public static string WithoutApi(string message)
    {
        foreach ((string library, string commandLine) in _phrases)
            message = message.Replace(library, commandLine, StringComparison.Ordinal);
        return message;
    }

    /// <summary>Returns whether a name is an ordinary word that begins a sentence: 'Deterministic attention needs ...'.</summary>
    private static bool IsEnglish(string message, Match word) =>
        BeginsSentence(message, word.Index) && !word.Value.Skip(1).Any(char.IsAsciiLetterUpper)
        && !Statement().IsMatch(message, word.Index + word.Length);

    private static bool BeginsSentence(string message, int at) =>
        at == 0 || (at > 1 && message[at - 1] == ' ' && ".:!?".Contains(message[at - 2]));

    [GeneratedRegex("(?<=[a-z0-9])(?<!Gi)(?=[A-Z])")]
    private static partial Regex Boundary();

    // The first alternative skips quoted text, which is the user's; the second excludes parts of paths and of longer names.
    [GeneratedRegex(@"(?<!\w)'[^']*'(?!\w)|(?<![\w'./\\-])([A-Za-z]\w+)(?![\w'/\\-]|\.\w)")]
    private static partial Regex Word();

    // What follows an option of one word at the beginning of a sentence.
    [GeneratedRegex(@"\G(?:,| (?:must|is|was|has|and|or)\b)")]
    private static partial Regex Statement();

    // A family, or the value of an assignment, where the text before it names its option.
    [GeneratedRegex(@"(?<=--[a-z0-9-]+) = (?=\w)|(?<=--[a-z0-9-]+ (?:was|is|to) |--[a-z0-9-]+ was \S+ and is now )(?!NaN)[A-Z][A-Za-z]*\b")]
    private static partial Regex ValueOfOption();

    // An option that is not typed has no value.
    [GeneratedRegex(@",? or (?:be )?null\b(?: for all)?")]
    private static partial Regex OrNull();
}
