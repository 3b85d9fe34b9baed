using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible;

/// <summary>Options for generating text. They are copied when a method is called; later changes have no effect.</summary>
/// <remarks>
/// Greedy decoding (<see cref="Temperature"/> 0 or <see cref="TopK"/> 1) draws nothing, so the sampling options must keep their defaults.
/// </remarks>
public sealed class GenerationOptions
{
    /// <summary>
    /// The maximum number of tokens to generate, at least 0. Generation ends earlier at an end-of-text token or a stop string.
    /// </summary>
    public int MaxTokens { get; set; } = 100;

    /// <summary>
    /// The divisor of the logits, at least 0 and finite. 0 always takes the most likely token, and the one with the lowest id among equals.
    /// </summary>
    public double Temperature { get; set; } = 1.0;

    /// <summary>The number of most likely tokens to draw from, at least 0. 0 keeps all.</summary>
    public int TopK { get; set; }

    /// <summary>
    /// The total probability of the tokens to draw from, within (0, 1]. Of the tokens that <see cref="TopK"/> keeps, the most likely ones
    /// are kept until their probabilities add up to this. 1 keeps all.
    /// </summary>
    public double TopP { get; set; } = 1.0;

    /// <summary>
    /// The penalty for tokens that are already in the prompt or the continuation: a positive logit is divided by it, a negative one
    /// multiplied. It must be positive and finite; 1 changes nothing. It is applied before the other options, also at temperature 0.
    /// </summary>
    public double RepetitionPenalty { get; set; } = 1.0;

    /// <summary>
    /// Strings that end a continuation, none of them empty. The continuation is cut before the first stop string in it, which may span
    /// several tokens. The prompt is not searched.
    /// </summary>
    public IReadOnlyList<string> StopStrings { get; set; } = [];

    /// <summary>
    /// The seed of the draws: the same seed gives the same text. Each row of a batch has its own generator, seeded from this and the row's
    /// index; row 0 draws the same tokens as a single prompt.
    /// </summary>
    public int Seed { get; set; }

    /// <summary>What to do when a text becomes longer than the model's context.</summary>
    public ContextOverflow ContextOverflow { get; set; } = ContextOverflow.Slide;

    /// <summary>Checks the options and returns a copy.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it and the range.</exception>
    /// <exception cref="ArgumentException">A stop string is null or empty, or an option is set that has no effect.</exception>
    internal GenerationOptions Checked()
    {
        Require(MaxTokens >= 0, nameof(MaxTokens), MaxTokens, "at least 0");
        Require(Temperature >= 0 && double.IsFinite(Temperature), nameof(Temperature), Temperature,
            "at least 0 (which takes the most likely token) and finite");
        Require(TopK >= 0, nameof(TopK), TopK, "at least 0 (which keeps every token)");
        Require(TopP is > 0 and <= 1, nameof(TopP), TopP, "within (0, 1]");
        Require(RepetitionPenalty > 0 && double.IsFinite(RepetitionPenalty), nameof(RepetitionPenalty), RepetitionPenalty,
            "positive (1 changes nothing) and finite");
        Require(Enum.IsDefined(ContextOverflow), nameof(ContextOverflow), ContextOverflow,
            $"one of {string.Join(", ", Enum.GetNames<ContextOverflow>())}");
        string[] stops = [.. StopStrings ?? []];
        if (stops.Any(string.IsNullOrEmpty))
            throw new ArgumentException("StopStrings must not contain an empty string or null.", nameof(StopStrings));
        var copy = (GenerationOptions)MemberwiseClone();
        copy.StopStrings = stops;
        UnusedOption.RefuseChanged(copy, new(), copy.Unused());
        return copy;
    }

    /// <summary>Returns the options that have no effect given the others.</summary>
    internal IEnumerable<UnusedOption> Unused()
    {
        const string Remedy = "set Temperature above 0 and TopK to 0 or above 1";
        if (Temperature != 0 && TopK != 1) yield break;
        string greedy = Temperature == 0 ? "Temperature is 0" : "TopK is 1";
        string where = $"if {greedy}: the most likely token is always taken, and nothing is drawn";
        yield return Temperature == 0 ? new(nameof(TopK), where, Remedy) : new(nameof(Temperature), where, Remedy);
        yield return new(nameof(TopP), where, Remedy);
        yield return new(nameof(Seed), where, Remedy);
    }

    private static void Require(bool condition, string option, object value, string range)
    {
        if (!condition) throw new ArgumentOutOfRangeException(option, value, $"{option} must be {range}.");
    }
}

/// <summary>What to do when a text becomes longer than the model's context.</summary>
public enum ContextOverflow
{
    /// <summary>
    /// Drops the oldest tokens. A prompt longer than the context is cut to its last ContextLength tokens. When the context is full, its
    /// last half becomes the new context and is evaluated again. So each token has at least ContextLength / 2 tokens of context, and every
    /// ContextLength / 2 new tokens cost one more evaluation.
    /// </summary>
    Slide,

    /// <summary>Throws before anything is generated if the prompt and MaxTokens together exceed the context.</summary>
    Refuse,
}
