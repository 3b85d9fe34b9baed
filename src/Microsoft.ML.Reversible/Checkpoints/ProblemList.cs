using System.Globalization;
using System.Text;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>Collects problems by kind for one message, which lists the first few of each kind and their number.</summary>
internal sealed class ProblemList
{
    private const int MostShown = 8;
    private const int LongestShown = 200;

    private readonly Dictionary<string, (List<string> Shown, long Count)> _kinds = [];

    /// <summary>Number of problems.</summary>
    public long Count => _kinds.Values.Sum(kind => kind.Count);

    public void Add(string kind, string problem)
    {
        (List<string> shown, long count) = _kinds.GetValueOrDefault(kind, ([], 0));
        if (shown.Count < MostShown)
            shown.Add(problem.Length <= LongestShown ? problem : string.Concat(problem.AsSpan(0, LongestShown), "..."));
        _kinds[kind] = (shown, count + 1);
    }

    /// <exception cref="InvalidDataException">There are problems; the message begins with <paramref name="what"/>.</exception>
    public void ThrowIfAny(string what)
    {
        if (_kinds.Count == 0) return;
        var message = new StringBuilder(what);
        foreach ((string kind, (List<string> shown, long count)) in _kinds)
        {
            message.Append(CultureInfo.InvariantCulture, $" {kind}: {string.Join(", ", shown)}");
            if (count > shown.Count) message.Append(CultureInfo.InvariantCulture, $" and {count - shown.Count} more");
            message.Append('.');
        }
        throw new InvalidDataException(message.ToString());
    }
}
