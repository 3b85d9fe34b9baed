using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Microsoft.ML.Reversible.Build
{
    /// <summary>
    /// The versions that a 64-bit ELF library asks of other libraries (section .gnu.version_r), in the bytes of its file.
    /// Layout: System V ABI, and the Linux Standard Base's chapter on symbol versions.
    /// </summary>
    internal sealed class VersionNeeds
    {
        private const uint StringTable = 3, SymbolTableType = 11, VersionNeedType = 0x6ffffffe, VersionSymbolType = 0x6fffffff;
        private const ushort Weak = 2;
        private const int SymbolSize = 24;

        private readonly byte[] _file;
        private readonly List<Section> _sections = new List<Section>();

        /// <summary>
        /// Reads the section table. Throws <see cref="InvalidDataException"/> where the file is no 64-bit little-endian ELF library.
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
        /// Marks the need of a version as weak: the loader then goes on where the version is missing. Returns false, with nothing changed,
        /// where the file does not ask for the version. Throws <see cref="InvalidDataException"/> where it uses a symbol of the version
        /// that is not in <paramref name="unused"/>.
        /// </summary>
        public bool MarkWeak(string version, ICollection<string> unused)
        {
            var marked = false;
            foreach (var section in _sections.FindAll(s => s.Type == VersionNeedType))
            {
                var names = NamesOf(section);
                var need = section.Offset;
                for (var i = 0; i < section.Info; i++)
                {
                    var entry = need + U32(need + 8);
                    for (var j = 0; j < U16(need + 2); j++)
                    {
                        if (Name(names, U32(entry + 8)) == version)
                        {
                            RequireOnly(unused, U16(entry + 6), version);
                            var flags = (ushort)(U16(entry + 4) | Weak);
                            _file[entry + 4] = (byte)flags;
                            _file[entry + 5] = (byte)(flags >> 8);
                            marked = true;
                        }

                        entry += U32(entry + 12);
                    }

                    need += U32(need + 12);
                }
            }

            return marked;
        }

        private void RequireOnly(ICollection<string> unused, ushort version, string versionName)
        {
            var symbols = _sections.Find(s => s.Type == SymbolTableType);
            var versions = _sections.Find(s => s.Type == VersionSymbolType);
            if (symbols is null || versions is null)
                throw new InvalidDataException("it has no table of dynamic symbols");
            var names = NamesOf(symbols);
            for (var i = 0; i < symbols.Size / SymbolSize; i++)
            {
                if ((U16(versions.Offset + 2 * i) & 0x7fff) != version)
                    continue;
                var name = Name(names, U32(symbols.Offset + (long)i * SymbolSize));
                if (!unused.Contains(name))
                    throw new InvalidDataException("it uses " + name + " of version " + versionName);
            }
        }

        private Section NamesOf(Section section)
        {
            if (section.Link >= _sections.Count || _sections[(int)section.Link].Type != StringTable)
                throw new InvalidDataException("a section names no string table");
            return _sections[(int)section.Link];
        }

        private string Name(Section names, uint at)
        {
            var start = names.Offset + at;
            var end = start;
            while (Byte(end) != 0)
                end++;
            return Encoding.ASCII.GetString(_file, (int)start, (int)(end - start));
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
