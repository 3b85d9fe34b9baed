namespace Microsoft.ML.Reversible.Language;

/// <summary>The log-likelihood of a text.</summary>
/// <param name="LogLikelihood">The sum of the tokens' log-probabilities, in nats.</param>
/// <param name="TokenCount">Number of tokens in the sum.</param>
/// <param name="Perplexity">e to the mean negative log-likelihood of a token.</param>
internal readonly record struct TextScore(float LogLikelihood, int TokenCount, float Perplexity);

/// <summary>Computes log-likelihoods of texts. Several threads may call it at once, as ML.NET's cursors do.</summary>
internal interface ITextScorer
{
    /// <summary>Computes the log-likelihood of a text.</summary>
    TextScore Score(ReadOnlySpan<char> text);

    /// <summary>Computes the log-likelihood of the tokens of a text.</summary>
    TextScore Score(ReadOnlySpan<int> tokens);
}
