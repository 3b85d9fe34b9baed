using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// One tensor of keys or of values, [rows, heads, slots, size]; token t of a row is in slot t. It grows with the sequences, outside every
/// dispose scope.
/// </summary>
/// <param name="context">The most slots that are ever needed.</param>
internal sealed class TokenSlots(int context) : IDisposable
{
    private const int Spare = 64;

    private Tensor? _values;

    private long Capacity => _values?.shape[2] ?? 0;

    /// <summary>Puts the first tokens of some rows.</summary>
    /// <param name="rowCount">Number of rows there are.</param>
    /// <param name="rows">The rows to fill.</param>
    /// <param name="values">Of shape [rows to fill, heads, tokens, size].</param>
    public void Fill(int rowCount, ReadOnlySpan<int> rows, Tensor values)
    {
        using var scope = NewDisposeScope();
        long tokens = values.shape[2];
        Reserve(rowCount, tokens, values);
        for (int i = 0; i < rows.Length; i++) _values!.select(0, rows[i]).narrow(1, 0, tokens).copy_(values.select(0, i));
    }

    /// <summary>Puts one token in every row.</summary>
    /// <param name="lengths">Number of tokens that each row holds already.</param>
    /// <param name="positions">The same on the device, [rows].</param>
    /// <param name="values">Of shape [rows, heads, 1, size].</param>
    public void Append(RowLengths lengths, Tensor positions, Tensor values)
    {
        using var scope = NewDisposeScope();
        Reserve(lengths.Count, lengths.Longest + 1, values);
        if (lengths.AreEqual)
            _values!.narrow(2, lengths.Longest, 1).copy_(values);
        else
            _values!.scatter_(2, positions.view(-1, 1, 1, 1).expand(values.shape), values);
    }

    /// <summary>A view of the first slots, in the caller's dispose scope.</summary>
    public Tensor Read(long slots) => _values!.narrow(2, 0, slots);

    /// <summary>Keeps some rows, in this order.</summary>
    public void Keep(Tensor rows)
    {
        if (_values is not null) Replace(_values.index_select(0, rows));
    }

    public void Dispose() => _values?.Dispose();

    private void Reserve(long rows, long slots, Tensor like)
    {
        if (Capacity >= slots) return;
        long capacity = Math.Min(context, Math.Max(slots + Spare, 2 * Capacity));
        // Not left unset: a masked slot has weight 0, and 0 times what is no number would be none.
        Tensor grown = zeros([rows, like.shape[1], capacity, like.shape[3]], dtype: like.dtype, device: like.device);
        if (_values is not null) grown.narrow(2, 0, Capacity).copy_(_values);
        Replace(grown);
    }

    private void Replace(Tensor values)
    {
        _values?.Dispose();
        _values = values.DetachFromDisposeScope();
    }
}
