using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// A function of a stack that mixes tokens, and so needs the keys and values of earlier ones where only new tokens are given.
/// </summary>
internal interface ICachedFunction
{
    /// <summary>f of the new tokens.</summary>
    /// <param name="input">The new tokens' streams, of shape [rows, tokens, width].</param>
    /// <param name="at">Where the function stands; null where the tokens are all that there are and nothing is kept.</param>
    /// <returns>Of the input's shape, in the caller's dispose scope.</returns>
    Tensor Forward(Tensor input, CacheLayer? at);
}
