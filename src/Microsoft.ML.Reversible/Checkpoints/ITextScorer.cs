namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>How well a language model foretells a text.</summary>
/// <param name="LogLikelihood">The sum of the tokens' log-probabilities, in nats.</param>
/// <param name="TokenCount">How many tokens that sum is over.</param>
/// <param name="Perplexity">e to the mean negative log-likelihood of a token.</param>
internal readonly record struct TextScore(float LogLikelihood, int TokenCount, float Perplexity);

/// <summary>A model that scores texts. It may be called from several threads at once, since ML.NET reads through several cursors.</summary>
internal interface ITextScorer
{
    /// <summary>Scores a text.</summary>
    TextScore Score(ReadOnlySpan<char> text);

    /// <summary>Scores the tokens of a text.</summary>
    TextScore Score(ReadOnlySpan<int> tokens);
}
