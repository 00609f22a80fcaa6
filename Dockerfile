# revlab with its scenario library. The image is for `run`, `judge`, `report`, `compare` and `verify`; `serve` needs
# its ports published and `--listen 0.0.0.0`.
#
#   docker build -t revlab .
#   docker run --rm -v "$PWD:/work" revlab run scenarios --out out

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --release --bin revlab

FROM debian:bookworm-slim
COPY --from=build /src/target/release/revlab /usr/local/bin/revlab
COPY --from=build /src/scenarios /usr/local/share/revlab/scenarios
# Nobody in particular: files of a mounted folder are written as whoever `docker run --user` says.
USER 65534:65534
WORKDIR /work
ENTRYPOINT ["revlab"]
CMD ["--help"]
