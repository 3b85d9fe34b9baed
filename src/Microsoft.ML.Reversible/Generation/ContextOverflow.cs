namespace Microsoft.ML.Reversible;

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
