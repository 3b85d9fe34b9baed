using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.Reversible.Tests.Packaging;

/// <summary>A 64-bit ELF file of the sections that symbol versions need: one symbol of a version, and one without a version.</summary>
internal sealed class TinyElf
{
    /// <summary>Where the section table begins: a null section, names, symbols, versions of symbols, needed versions.</summary>
    public const int Table = 64, SectionSize = 64, Names = 1, Symbols = 2, Versions = 3, Needs = 4, SectionCount = 5;

    private const int NamesAt = 400, SymbolsAt = 480, VersionsAt = 560, NeedsAt = 576;

    public const string Version = "GLIBCXX_3.4.32", Symbol = "_ZSt21ios_base_library_initv";

    public TinyElf()
    {
        byte[] names = Encoding.ASCII.GetBytes($"\0{Version}\0{Symbol}\0");
        BinaryPrimitives.WriteUInt32LittleEndian(Bytes, 0x464c457f);
        (Bytes[4], Bytes[5]) = (2, 1);
        Set64(40, Table);
        Set16(58, SectionSize);
        Set16(60, SectionCount);
        names.CopyTo(Bytes, NamesAt);
        Section(Names, type: 3, NamesAt, names.Length, link: 0, info: 0);
        Section(Symbols, type: 11, SymbolsAt, 3 * 24, link: Names, info: 0);
        Section(Versions, type: 0x6fffffff, VersionsAt, 3 * 2, link: Symbols, info: 0);
        Section(Needs, type: 0x6ffffffe, NeedsAt, 32, link: Names, info: 1);
        Set32(SymbolsAt + 24, 2 + Version.Length);
        Set16(VersionsAt + 2, 5);
        Set16(NeedsAt, 1);
        Set16(NeedsAt + 2, 1);
        Set32(NeedsAt + 8, 16);
        Set16(NeedsAt + 16 + 6, 5);
        Set32(NeedsAt + 16 + 8, 1);
    }

    /// <summary>Where the flags of the needed version stand.</summary>
    public const int Flags = NeedsAt + 16 + 4;

    /// <summary>Where the need counts its versions, and names its next one; where the version names its next one.</summary>
    public const int VersionCount = NeedsAt + 2, NextNeed = NeedsAt + 12, NextVersion = NeedsAt + 16 + 12;

    public byte[] Bytes { get; } = new byte[NeedsAt + 32];

    /// <summary>Where a section's offset, size and count of entries stand.</summary>
    public static int OffsetOf(int section) => Table + section * SectionSize + 24;

    public static int SizeOf(int section) => Table + section * SectionSize + 32;

    public static int InfoOf(int section) => Table + section * SectionSize + 44;

    public void Set16(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(Bytes.AsSpan(at), (ushort)value);

    public void Set32(int at, long value) => BinaryPrimitives.WriteUInt32LittleEndian(Bytes.AsSpan(at), (uint)value);

    public void Set64(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(Bytes.AsSpan(at), value);

    private void Section(int index, uint type, int offset, int size, int link, int info)
    {
        Set32(Table + index * SectionSize + 4, type);
        Set64(OffsetOf(index), offset);
        Set64(SizeOf(index), size);
        Set32(Table + index * SectionSize + 40, link);
        Set32(InfoOf(index), info);
    }
}
