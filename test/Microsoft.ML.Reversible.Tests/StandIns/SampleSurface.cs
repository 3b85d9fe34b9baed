using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.Reversible.Tests.StandIns;

/// <summary>One of each kind of member, for the tests of <see cref="PublicSurface"/>.</summary>
[SuppressMessage("Performance", "CA1822:Mark members as static", Justification = "Instance members are what is listed.")]
public class SampleSurface<T>(int size)
{
    public const string Name = "sample";

    public event EventHandler? Changed;

    public int this[int index] => index + size;

    protected IReadOnlyDictionary<string, T[]>? Values { get; private set; }

    public static SampleSurface<T> operator +(SampleSurface<T> left, SampleSurface<T> right) => left ?? right;

    public bool TryGet<TKey>(TKey key, out T? value, params int[][,] sizes)
    {
        Changed?.Invoke(this, EventArgs.Empty);
        value = default;
        return key is null && sizes.Length > size;
    }

    public void Draw(string text = "a\nb", double scale = 0.5, bool fill = true, DayOfWeek? day = null, DayOfWeek first = DayOfWeek.Monday)
    {
    }

    [Obsolete("Refused by the compiler.", error: true)]
    public void Refused(Inner<long> inner)
    {
    }

    internal void Hidden()
    {
    }

    public struct Inner<TInner>
    {
        public TInner Value;
    }
}
