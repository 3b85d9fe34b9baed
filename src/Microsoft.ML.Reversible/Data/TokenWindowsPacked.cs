namespace Microsoft.ML.Reversible.Data;

/// <summary>The endless sequence of shuffled training windows that are cut from a stream without regard to documents.</summary>
/// <remarks>
/// An epoch is a grid of windows that follow one another, in an order of its own, so that it holds a token at most once as target and
/// misses less than one window at either end. Grids of successive epochs are shifted against each other: as many epochs as a window has
/// tokens use every shift once, in an order of their own, and so hold every window that can be cut exactly once.
/// </remarks>
/// <param name="tokens">Tokens in the stream, more than the context.</param>
/// <param name="context">Inputs of a window.</param>
/// <param name="seed">Seeds the orders.</param>
internal sealed class TokenWindowsPacked(long tokens, int context, int seed)
{
    private const int ShiftStream = 0;
    private const int WindowStream = 1;

    // Every start of a window occurs once in a cycle of epochs; a stream of few tokens has no window for the greater shifts.
    private readonly long _cycleLength = tokens - context;
    private readonly int _epochs = (int)Math.Min(context, tokens - context);
    private Cycle? _cycle;

    /// <summary>A window of the sequence.</summary>
    public TokenWindow this[long index]
    {
        get
        {
            (long number, long place) = Math.DivRem(index, _cycleLength);
            Cycle cycle = _cycle is { } known && known.Number == number ? known : _cycle = Enter(number);
            int epoch = Array.BinarySearch(cycle.Ends, place + 1);
            if (epoch < 0) epoch = ~epoch;
            long shift = cycle.Shifts[epoch];
            long count = WindowsAt(shift);
            var order = new WindowOrder(count, seed, WindowStream, number * _epochs + epoch);
            return new(shift + order[place - (cycle.Ends[epoch] - count)] * context, context);
        }
    }

    private long WindowsAt(long shift) => (tokens - 1 - shift) / context;

    private Cycle Enter(long number)
    {
        var order = new WindowOrder(_epochs, seed, ShiftStream, number);
        var cycle = new Cycle(number, order, new long[_epochs]);
        long end = 0;
        for (int epoch = 0; epoch < _epochs; epoch++) cycle.Ends[epoch] = end += WindowsAt(order[epoch]);
        return cycle;
    }

    /// <summary>The epochs of one cycle: how many windows there are up to the end of each.</summary>
    private sealed record Cycle(long Number, WindowOrder Shifts, long[] Ends);
}
