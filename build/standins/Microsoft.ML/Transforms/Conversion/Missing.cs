namespace Microsoft.ML.Data;

/// <summary>What a value that is not there reads as, and how values are compared.</summary>
internal static class Missing
{
    public static T Value<T>() =>
        typeof(T) == typeof(float) ? (T)(object)float.NaN : typeof(T) == typeof(double) ? (T)(object)double.NaN : default;

    public static bool Is<T>(T value) => value switch
    {
        float number => float.IsNaN(number),
        double number => double.IsNaN(number),
        ReadOnlyMemory<char> text => text.IsEmpty,
        _ => false,
    };

    // Text is equal by its characters and not by where it lies.
    public static IEqualityComparer<T> Comparer<T>() =>
        typeof(T) == typeof(ReadOnlyMemory<char>) ? (IEqualityComparer<T>)(object)new TextComparer() : EqualityComparer<T>.Default;

    public static IComparer<T> Order<T>() =>
        typeof(T) == typeof(ReadOnlyMemory<char>)
            ? (IComparer<T>)(object)new TextComparer()
            : System.Collections.Generic.Comparer<T>.Default;

    private sealed class TextComparer : IEqualityComparer<ReadOnlyMemory<char>>, IComparer<ReadOnlyMemory<char>>
    {
        public bool Equals(ReadOnlyMemory<char> x, ReadOnlyMemory<char> y) => x.Span.SequenceEqual(y.Span);

        public int GetHashCode(ReadOnlyMemory<char> text) => string.GetHashCode(text.Span);

        public int Compare(ReadOnlyMemory<char> x, ReadOnlyMemory<char> y) => x.Span.SequenceCompareTo(y.Span);
    }
}
