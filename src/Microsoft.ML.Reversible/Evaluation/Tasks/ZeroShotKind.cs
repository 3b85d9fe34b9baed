namespace Microsoft.ML.Reversible;

/// <summary>What a zero-shot task asks of a model: which texts it scores, and what counts as right.</summary>
public enum ZeroShotKind
{
    /// <summary>One context, several continuations; the most likely continuation is the answer.</summary>
    MultipleChoice,

    /// <summary>Several contexts, one continuation after each; the context that makes it most likely is the answer (WinoGrande).</summary>
    MultipleInput,

    /// <summary>One context, one continuation; right where greedy decoding would write it (LAMBADA).</summary>
    LastWord,

    /// <summary>A whole text without a context, which gives perplexities a word and a byte (wikitext).</summary>
    RollingLogLikelihood,
}
