namespace Microsoft.ML.Data;

public readonly struct DataViewRowId : IComparable<DataViewRowId>, IEquatable<DataViewRowId>
{
    public readonly ulong Low;
    public readonly ulong High;

    public DataViewRowId(ulong low, ulong high)
    {
        Low = low;
        High = high;
    }

    public DataViewRowId Fork() => Mix(Low, High, 0x9E3779B97F4A7C15UL);

    public DataViewRowId Next() => Mix(Low, High, 0xC2B2AE3D27D4EB4FUL);

    public DataViewRowId Combine(DataViewRowId other) => Mix(Low ^ Scramble(other.Low), High ^ Scramble(other.High), 0x165667B19E3779F9UL);

    public int CompareTo(DataViewRowId other) => High == other.High ? Low.CompareTo(other.Low) : High.CompareTo(other.High);

    public bool Equals(DataViewRowId other) => Low == other.Low && High == other.High;

    public override bool Equals(object obj) => obj is DataViewRowId other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Low, High);

    public override string ToString() => $"{High:x16}{Low:x16}";

    private static DataViewRowId Mix(ulong low, ulong high, ulong salt)
    {
        var mixedLow = Scramble(low + salt) + high;
        return new DataViewRowId(mixedLow, Scramble(high ^ salt) + mixedLow);
    }

    private static ulong Scramble(ulong value)
    {
        value ^= value >> 33;
        value *= 0xFF51AFD7ED558CCDUL;
        value ^= value >> 33;
        value *= 0xC4CEB9FE1A85EC53UL;
        return value ^ (value >> 33);
    }
}
