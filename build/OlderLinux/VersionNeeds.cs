using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;

namespace Microsoft.ML.Reversible.Build
{
    /// <summary>
    /// The versions that a 64-bit ELF library requires of other libraries (section .gnu.version_r), in the bytes of its file.
    /// Layout: System V ABI, and the chapter of the Linux Standard Base on symbol versions.
    /// </summary>
    internal sealed class VersionNeeds
    {
        private const uint StringTable = 3, SymbolTableType = 11, VersionNeedType = 0x6ffffffe, VersionSymbolType = 0x6fffffff;
        private const ushort Weak = 2;
        private const int SymbolSize = 24, NeedSize = 16, LongestName = 200;

        private readonly byte[] _file;
        private readonly List<Section> _sections = new List<Section>();

        /// <summary>
        /// Reads the section table. Throws <see cref="InvalidDataException"/> if the file is not a 64-bit little-endian ELF library.
        /// </summary>
        public VersionNeeds(byte[] file)
        {
            _file = file;
            if (file.Length < 64 || U32(0) != 0x464c457f || file[4] != 2 || file[5] != 1)
                throw new InvalidDataException("it is not a 64-bit little-endian ELF file");
            long table = I64(40);
            int size = U16(58), count = U16(60);
            for (var i = 0; i < count; i++)
            {
                var at = table + (long)i * size;
                _sections.Add(new Section(U32(at + 4), I64(at + 24), I64(at + 32), U32(at + 40), U32(at + 44)));
            }
        }

        /// <summary>
        /// Marks a required version as weak, so that the loader continues if the version is missing. Returns false, with nothing changed,
        /// if the file does not require the version or is already marked. Throws <see cref="InvalidDataException"/>, with nothing
        /// changed, if it uses a symbol of the version that is not in <paramref name="unused"/>.
        /// </summary>
        public bool MarkWeak(string version, ICollection<string> unused)
        {
            var marks = new List<long>();
            foreach (var entry in EntriesOf(version))
            {
                if ((U16(entry + 4) & Weak) != 0)
                    continue;
                RequireOnly(unused, U16(entry + 6), version);
                marks.Add(entry + 4);
            }

            foreach (var flags in marks)
                _file[flags] |= (byte)Weak;
            return marks.Count > 0;
        }

        // The offsets of the entries that name a version. Links must lead forward, and the number of entries is limited by the file's size:
        // otherwise a damaged file could keep the loops busy for hours.
        private IEnumerable<long> EntriesOf(string version)
        {
            var left = _file.Length / NeedSize;
            foreach (var section in _sections.Where(s => s.Type == VersionNeedType))
            {
                var names = NamesOf(section);
                var need = section.Offset;
                for (uint i = 0; i < section.Info; i++)
                {
                    int count = U16(need + 2);
                    var entry = need + U32(need + 8);
                    for (var j = 0; j < count; j++)
                    {
                        if (left-- == 0)
                            throw new InvalidDataException("it requires more versions than fit into the file");
                        if (IsName(names, U32(entry + 8), version))
                            yield return entry;
                        var next = U32(entry + 12);
                        if (next == 0 && j + 1 < count)
                            throw new InvalidDataException("its list of versions ends too early");
                        entry += next;
                    }

                    var nextNeed = U32(need + 12);
                    if (nextNeed == 0 && i + 1 < section.Info)
                        throw new InvalidDataException("its list of versions ends too early");
                    need += nextNeed;
                }
            }
        }

        private void RequireOnly(ICollection<string> unused, ushort version, string versionName)
        {
            var symbols = _sections.Find(s => s.Type == SymbolTableType);
            var versions = _sections.Find(s => s.Type == VersionSymbolType);
            if (symbols is null || versions is null)
                throw new InvalidDataException("it has no table of dynamic symbols");
            // The versions of the symbols, in the same order. A table that is too short would hide symbols.
            var fit = symbols.Size % SymbolSize == 0 && versions.Size == symbols.Size / SymbolSize * 2;
            if (!fit || !IsInFile(symbols) || !IsInFile(versions))
                throw new InvalidDataException("its tables of symbols and of versions do not match");
            var names = NamesOf(symbols);
            for (long i = 0; i < symbols.Size / SymbolSize; i++)
            {
                if ((U16(versions.Offset + 2 * i) & 0x7fff) != (version & 0x7fff))
                    continue;
                var name = U32(symbols.Offset + i * SymbolSize);
                if (!unused.Any(allowed => IsName(names, name, allowed)))
                    throw new InvalidDataException("it uses " + Name(names, name) + " of version " + versionName);
            }
        }

        private Section NamesOf(Section section)
        {
            if (section.Link >= _sections.Count || _sections[(int)section.Link].Type != StringTable)
                throw new InvalidDataException("a section names no string table");
            return _sections[(int)section.Link];
        }

        private bool IsInFile(Section section) =>
            section.Offset >= 0 && section.Size >= 0 && section.Offset <= _file.Length && section.Size <= _file.Length - section.Offset;

        private bool IsName(Section names, uint at, string name)
        {
            for (var i = 0; i < name.Length; i++)
            {
                if (Byte(names.Offset + at + i) != name[i])
                    return false;
            }

            return Byte(names.Offset + at + name.Length) == 0;
        }

        private string Name(Section names, uint at)
        {
            var start = names.Offset + at;
            var length = 0;
            while (length < LongestName && Byte(start + length) != 0)
                length++;
            return Encoding.ASCII.GetString(_file, (int)start, length);
        }

        private byte Byte(long at) => at >= 0 && at < _file.Length ? _file[at] : throw new InvalidDataException("it ends too early");

        private ushort U16(long at) => (ushort)(Byte(at) | Byte(at + 1) << 8);

        private uint U32(long at) => U16(at) | (uint)U16(at + 2) << 16;

        private long I64(long at) => U32(at) | (long)U32(at + 4) << 32;

        private sealed class Section
        {
            public Section(uint type, long offset, long size, uint link, uint info)
            {
                Type = type;
                Offset = offset;
                Size = size;
                Link = link;
                Info = info;
            }

            public uint Type { get; }

            public long Offset { get; }

            public long Size { get; }

            public uint Link { get; }

            public uint Info { get; }
        }
    }
}
