namespace Microsoft.ML.Reversible;

/// <summary>How the embedding of a text is made of the hidden states of its tokens.</summary>
public enum EmbeddingPooling
{
    /// <summary>The mean over the text's tokens.</summary>
    Mean,

    /// <summary>The hidden state of the last token, the only one that depends on the whole text.</summary>
    Last,
}
