using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Stack;

/// <summary>
/// The probabilities p with which numbers are dropped in training: replaced by 0, while the others are divided by 1 - p. Each is within
/// [0, 1).
/// </summary>
/// <param name="Residual">For the embedding, and for what attention and MLP add to a hidden state.</param>
/// <param name="Attention">For the weights of attention.</param>
/// <param name="Adapter">For the inputs of adapters.</param>
internal readonly record struct DropoutRates(double Residual = 0, double Attention = 0, double Adapter = 0)
{
    /// <summary>Whether any rate is above 0.</summary>
    public bool IsOn => Residual > 0 || Attention > 0 || Adapter > 0;
}

/// <summary>
/// The key of one draw of a pass. A number is kept or dropped depending on the key, its token and its place among the token's numbers: on
/// nothing that differs between devices, between splits of the batch, or between the evaluations of one function in a pass.
/// </summary>
/// <param name="seed">The seed of the pass.</param>
/// <param name="layer">The layer; <see cref="EmbeddingLayer"/> for the embedding.</param>
/// <param name="draw">Counts the draws of an evaluation of the layer's function.</param>
internal readonly struct DropoutKey(long seed, int layer, int draw)
{
    /// <summary>Stands for the embedding, before the first layer.</summary>
    public const int EmbeddingLayer = -1;

    private const int Tokens = 0, Columns = 1, Heads = 2;

    private readonly long _columns = Key(seed, layer, draw, Columns);
    private readonly long _heads = Key(seed, layer, draw, Heads);

    /// <summary>
    /// Returns a word for each number of a token, or each token that is attended to, int32, in the current dispose scope.
    /// </summary>
    /// <param name="first">The first number.</param>
    /// <param name="count">How many.</param>
    /// <param name="device">The device.</param>
    public Tensor ColumnWords(long first, long count, Device device) => Words(_columns, first, count, device);

    /// <summary>Returns a word for each head, int32, in the current dispose scope.</summary>
    public Tensor HeadWords(long count, Device device) => Words(_heads, 0, count, device);

    /// <summary>Returns a word for each token of a batch, the same for all draws of a pass, int32, in the current dispose scope.</summary>
    /// <param name="seed">The seed of the pass.</param>
    /// <param name="first">The first token.</param>
    /// <param name="count">How many.</param>
    /// <param name="device">The device.</param>
    public static Tensor TokenWords(long seed, long first, long count, Device device) =>
        Words(Key(seed, EmbeddingLayer, 0, Tokens), first, count, device);

    private static long Key(long seed, int layer, int draw, int kind) => unchecked((long)CounterRandom.Bits(seed, layer, draw, kind));

    private static Tensor Words(long key, long first, long count, Device device)
    {
        int[] words = new int[count];
        for (long i = 0; i < count; i++) words[i] = unchecked((int)(CounterRandom.Bits(key, first + i) >> 32));
        return tensor(words, device: device);
    }
}

/// <summary>Drops numbers by the words of their rows and columns.</summary>
internal static class Dropout
{
    /// <summary>Returns x with some numbers dropped.</summary>
    /// <param name="x">x, of shape [.., columns].</param>
    /// <param name="rowWords">Words, int32, of x's shape with 1 in place of the columns.</param>
    /// <param name="columnWords">Words, int32, of shape [columns].</param>
    /// <param name="rate">The probability of dropping a number, within (0, 1).</param>
    /// <returns>A tensor of x's shape and type, in the caller's dispose scope.</returns>
    public static Tensor Of(Tensor x, Tensor rowWords, Tensor columnWords, double rate)
    {
        using var scope = NewDisposeScope();
        Tensor kept = CounterMask.Draw(rowWords, columnWords, 1 - rate);
        // A product in place keeps nothing for the backward pass, and the Boolean factor has one byte a number.
        return (x * kept).mul_(1 / (1 - rate)).MoveToOuterDisposeScope();
    }
}

/// <summary>Drops weights of attention.</summary>
/// <param name="key">The key of the draw.</param>
/// <param name="tokenWords">The words of the tokens, int32, of shape [sequences, tokens].</param>
/// <param name="rate">The probability of dropping a weight, within (0, 1).</param>
internal sealed class AttentionDropout(DropoutKey key, Tensor tokenWords, double rate)
{
    /// <summary>Returns weights of which some are dropped.</summary>
    /// <param name="weights">The weights, of shape [sequences, heads, queries, keys].</param>
    /// <param name="firstQuery">The token of the first query.</param>
    /// <param name="firstKey">The token of the first key.</param>
    /// <returns>A tensor of the same shape, in the caller's dispose scope.</returns>
    public Tensor Of(Tensor weights, long firstQuery, long firstKey)
    {
        using var scope = NewDisposeScope();
        long heads = weights.shape[1], queries = weights.shape[2], keys = weights.shape[3];
        Tensor rows = tokenWords.narrow(1, firstQuery, queries).unsqueeze(1).unsqueeze(3)
            + key.HeadWords(heads, weights.device).view(1, heads, 1, 1);
        return Dropout.Of(weights, rows, key.ColumnWords(firstKey, keys, weights.device), rate).MoveToOuterDisposeScope();
    }
}
