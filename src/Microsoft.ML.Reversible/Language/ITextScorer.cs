namespace Microsoft.ML.Reversible.Language;

/// <summary>What a model computes for a text.</summary>
/// <param name="LogLikelihood">The sum of the tokens' log-probabilities, in nats; 0 without tokens.</param>
/// <param name="TokenCount">Number of tokens in the sum.</param>
/// <param name="Perplexity">e to the mean negative log-likelihood of a token; 1 without tokens.</param>
/// <param name="Embedding">The text's hidden state, of the network's width; null if it is not wanted.</param>
internal readonly record struct TextScore(float LogLikelihood, int TokenCount, float Perplexity, float[]? Embedding = null);

/// <summary>Computes log-likelihoods of texts. Several threads may call it at once, as ML.NET's cursors do.</summary>
internal interface ITextScorer
{
    /// <summary>Computes the log-likelihood of a text.</summary>
    TextScore Score(ReadOnlySpan<char> text);
}
