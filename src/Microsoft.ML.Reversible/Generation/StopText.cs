using System.Text;

namespace Microsoft.ML.Reversible.Generation;

/// <summary>A text that grows piece by piece and ends before the first stop string in it.</summary>
internal sealed class StopText(IReadOnlyList<string> stops)
{
    private readonly StringBuilder _text = new();
    private readonly int _longest = stops.Count == 0 ? 0 : stops.Max(stop => stop.Length);
    private int _taken;

    /// <summary>Whether a stop string came up.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Adds a piece.</summary>
    public void Append(string piece)
    {
        if (Stopped || piece.Length == 0) return;
        int from = Math.Max(0, _text.Length - Math.Max(0, _longest - 1));
        _text.Append(piece);
        if (_longest == 0) return;
        string tail = _text.ToString(from, _text.Length - from);
        int[] found = [.. stops.Select(stop => tail.IndexOf(stop, StringComparison.Ordinal)).Where(at => at >= 0)];
        if (found.Length == 0) return;
        Stopped = true;
        _text.Length = from + found.Min();
    }

    /// <summary>What may be shown and has not been taken: all but an end that a stop string might begin with.</summary>
    /// <param name="all">Whether nothing more comes.</param>
    public string Take(bool all)
    {
        int end = all || Stopped ? _text.Length : _text.Length - HeldBack();
        string piece = end > _taken ? _text.ToString(_taken, end - _taken) : "";
        _taken += piece.Length;
        return piece;
    }

    private int HeldBack()
    {
        int most = Math.Min(_longest - 1, _text.Length - _taken);
        if (most <= 0) return 0;
        string tail = _text.ToString(_text.Length - most, most);
        for (int length = most; length > 0; length--)
            if (stops.Any(stop => stop.AsSpan().StartsWith(tail.AsSpan(most - length), StringComparison.Ordinal)))
                return length;
        return 0;
    }
}
