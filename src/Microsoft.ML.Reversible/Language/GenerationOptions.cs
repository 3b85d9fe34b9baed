using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible;

/// <summary>How a model continues texts. The options are read when a method is called; changing them afterwards changes nothing.</summary>
/// <remarks>
/// Where nothing is drawn, at <see cref="Temperature"/> 0 or <see cref="TopK"/> 1, the options that shape the draw are refused unless they
/// have their defaults.
/// </remarks>
public sealed class GenerationOptions
{
    /// <summary>The most tokens to add, at least 0; the end of text or a stop string ends earlier.</summary>
    public int MaxTokens { get; set; } = 100;

    /// <summary>What the logits are divided by, at least 0 and finite; 0 takes the most likely token, the first of equal ones.</summary>
    public double Temperature { get; set; } = 1.0;

    /// <summary>How many of the most likely tokens are kept, at least 0; 0 keeps all.</summary>
    public int TopK { get; set; }

    /// <summary>
    /// The most likely tokens, of those that <see cref="TopK"/> leaves, are kept until their probabilities add up to this; within (0, 1],
    /// and 1 keeps all.
    /// </summary>
    public double TopP { get; set; } = 1.0;

    /// <summary>
    /// The logits of all tokens that prompt and continuation hold so far are divided by this where they are positive and multiplied where
    /// they are negative; positive and finite, and 1 changes nothing. It applies before everything else, at temperature 0 too.
    /// </summary>
    public double RepetitionPenalty { get; set; } = 1.0;

    /// <summary>
    /// Texts that end a continuation, none of them empty: it is cut before the first of them that comes up in it, also where several
    /// tokens make it up. What the prompt holds does not count.
    /// </summary>
    public IReadOnlyList<string> StopStrings { get; set; } = [];

    /// <summary>
    /// Seeds the draws: one seed, one text. Each row of a batch draws from a stream of its own, made from the seed and the row's index;
    /// row 0 draws as a single prompt does.
    /// </summary>
    public int Seed { get; set; }

    /// <summary>What happens where a text grows longer than the model's context.</summary>
    public ContextOverflow ContextOverflow { get; set; } = ContextOverflow.Slide;

    /// <summary>A copy that nobody changes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it and the range.</exception>
    /// <exception cref="ArgumentException">A stop string is null or empty, or an option was set that has no effect.</exception>
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
            throw new ArgumentException("StopStrings must hold no null and no empty text: every text begins with it.", nameof(StopStrings));
        var copy = (GenerationOptions)MemberwiseClone();
        copy.StopStrings = stops;
        UnusedOption.RefuseChanged(copy, new(), copy.Unused());
        return copy;
    }

    /// <summary>The options that have no effect beside the others.</summary>
    internal IEnumerable<UnusedOption> Unused()
    {
        const string Remedy = "set Temperature above 0 and TopK to 0 or above 1";
        if (Temperature != 0 && TopK != 1) yield break;
        string greedy = Temperature == 0 ? "Temperature is 0" : "TopK is 1";
        string where = $"where {greedy}: the most likely token is taken, and nothing is drawn";
        yield return Temperature == 0 ? new(nameof(TopK), where, Remedy) : new(nameof(Temperature), where, Remedy);
        yield return new(nameof(TopP), where, Remedy);
        yield return new(nameof(Seed), where, Remedy);
    }

    private static void Require(bool condition, string option, object value, string range)
    {
        if (!condition) throw new ArgumentOutOfRangeException(option, value, $"{option} must be {range}.");
    }
}

/// <summary>What happens where a text grows longer than the model's context.</summary>
public enum ContextOverflow
{
    /// <summary>
    /// The oldest tokens are forgotten. A prompt longer than the context counts from its last ContextLength tokens. Whenever the
    /// context is full and one more token is needed, the last half of it is read anew and the generation goes on behind that: each
    /// token is drawn in sight of at least the ContextLength / 2 tokens before it, and the text costs one more reading for each half
    /// context.
    /// </summary>
    Slide,

    /// <summary>A prompt that could outgrow the context together with MaxTokens is refused before anything is generated.</summary>
    Refuse,
}
