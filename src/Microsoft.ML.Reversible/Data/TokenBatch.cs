using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Data;

/// <summary>A batch of windows of one length: token ids, and the id that follows each.</summary>
/// <param name="Inputs">Ids, row by row, of length rows * context.</param>
/// <param name="Targets">The id after each input or <see cref="Ignored"/>, of the same length.</param>
/// <param name="Rows">Number of windows.</param>
internal readonly record struct TokenBatch(long[] Inputs, long[] Targets, int Rows)
{
    /// <summary>The target of an input that is padding.</summary>
    public const long Ignored = -100;

    /// <summary>
    /// The rows' numbers among the training windows if these have the same positions in every epoch; else null.
    /// </summary>
    public long[]? Windows { get; init; }

    /// <summary>
    /// The number of each input's document within its row, of the length of <see cref="Inputs"/>; padding is one of its own. Null if a row
    /// is one document, or if tokens see those of other documents.
    /// </summary>
    public int[]? Documents { get; init; }

    /// <summary>Number of targets that are tokens.</summary>
    public long TargetCount { get; } = Targets.LongLength - Targets.AsSpan().Count(Ignored);

    /// <summary>Returns ids of shape [rows, context] and targets of shape [rows * context], int64, in the current dispose scope.</summary>
    public (Tensor Ids, Tensor Targets) ToTensors(Device device) =>
        (tensor(Inputs, [Rows, Inputs.Length / Rows], device: device), tensor(Targets, device: device));
}
