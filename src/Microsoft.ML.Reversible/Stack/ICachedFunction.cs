using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>
/// A function of a stack that mixes tokens, and so needs the keys and values of earlier ones where only new tokens are given.
/// </summary>
internal interface ICachedFunction
{
    /// <summary>How many attentions one evaluation takes; each keeps keys and values of its own.</summary>
    int AttentionCount => 1;

    /// <summary>f of the new tokens.</summary>
    /// <param name="input">The new tokens' streams, of shape [rows, tokens, width].</param>
    /// <param name="at">Where its first attention stands; null where the tokens are all that there are and nothing is kept.</param>
    /// <returns>Of the input's shape, in the caller's dispose scope.</returns>
    Tensor Forward(Tensor input, CacheLayer? at);
}

/// <summary>Functions in a stack that may or may not know of a cache.</summary>
internal static class CachedFunctions
{
    /// <summary>f of some tokens; a function that does not know of a cache must be local to a token where there is one.</summary>
    public static Tensor At(this Block f, Tensor input, CacheLayer? at) =>
        at is not null && f is ICachedFunction function ? function.Forward(input, at) : f.call(input);

    /// <summary>How many attentions one evaluation takes that a cache is for.</summary>
    public static int AttentionCount(this Block f) => f is ICachedFunction function ? function.AttentionCount : 0;
}
